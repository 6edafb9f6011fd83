// Code of operations: what products and work of the vector unit have in common.
#include "compiler/lower/op_code.h"

#include <algorithm>

#include "base/diag.h"
#include "isa/insn.h"

namespace systole::compiler {

std::int64_t element_type(DType type) {
  switch (type) {
    case DType::kUint8:
      return isa::type::kU8;
    case DType::kInt8:
      return isa::type::kS8;
    case DType::kInt16:
      return isa::type::kS16;
    case DType::kInt32:
      return isa::type::kS32;
    case DType::kBfloat16:
      return isa::type::kBf16;
    case DType::kFloat32:
      return isa::type::kF32;
    case DType::kUint16:
    case DType::kInt64:
    case DType::kBool:
    case DType::kFloat64:
    case DType::kUint32:
    case DType::kUint64:
      break;
  }
  SYSTOLE_CHECK(false, "{} is no type of the machine", dtype_name(type));
}

std::int64_t stretch_rows(const isa::Machine& machine) {
  constexpr std::int64_t kMost = 512;
  return std::clamp<std::int64_t>(machine.accumulators_rows / 2, 1, kMost);
}

FeatureMap JobContext::map(std::size_t i) const {
  FeatureMap map = resident(i).map;
  map.images = pixels_of(plan, resident(i), job.items) / map.image_pixels();
  return map;
}

}  // namespace systole::compiler
