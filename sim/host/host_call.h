// What the files of host operations share: a step with its operands looked up, and access to
// tensors that lie at any byte address.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "isa/program.h"

namespace systole::sim::host {

struct Operand {
  const isa::HostTensor* tensor = nullptr;
  std::uint8_t* data = nullptr;
};
struct Call {
  const isa::HostStep& step;
  std::vector<Operand> inputs;
  Operand output;
  [[nodiscard]] const isa::HostTensor& in(std::size_t i = 0) const { return *inputs[i].tensor; }
  [[nodiscard]] const isa::HostTensor& out() const { return *output.tensor; }
};

// Throws InputError naming the step unless the condition holds.
void require(bool condition, const Call& call, const std::string& what, const std::string& right);
void require_same_shape(const Call& call);  // of the first input and the output
void require_one_type(const Call& call);    // of all inputs and the output

template <typename T>
T load(const std::uint8_t* data, std::int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void store(std::uint8_t* data, std::int64_t i, T value) {
  std::memcpy(data + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

// Whether it may be a zero point or a limit of integers, as instructions have them in 17 bits.
constexpr bool is_small(std::int64_t v) { return v >= -(1 << 17) && v <= 1 << 17; }

// Product of the dimensions [begin, end).
[[nodiscard]] std::int64_t product(const Shape& shape, std::int64_t begin, std::int64_t end);

// Calls visit(type tag) with a value of the C++ type of an integer element type.
template <typename Visitor>
void with_integer(const Call& call, DType type, Visitor&& visit) {
  switch (type) {
    case DType::kUint8:
      return visit(std::uint8_t{});
    case DType::kInt8:
      return visit(std::int8_t{});
    case DType::kUint16:
      return visit(std::uint16_t{});
    case DType::kInt16:
      return visit(std::int16_t{});
    case DType::kInt32:
      return visit(std::int32_t{});
    default:
      require(false, call, fmt::format("element type {}", dtype_name(type)),
              "uint8, int8, uint16, int16 or int32");
  }
}

// The same of integers of any width and bools.
template <typename Visitor>
void with_bits(const Call& call, DType type, Visitor&& visit) {
  switch (type) {
    case DType::kBool:
      return visit(false);
    case DType::kInt64:
      return visit(std::int64_t{});
    case DType::kUint32:
      return visit(std::uint32_t{});
    case DType::kUint64:
      return visit(std::uint64_t{});
    default:
      return with_integer(call, type, visit);
  }
}

// One row of isa/host_ops.def on its operands.
template <isa::HostOp op>
void apply(const Call& call);
#define SYSTOLE_HOST_OP(name, text, meaning) \
  template <>                                \
  void apply<isa::HostOp::name>(const Call& call);
#include "isa/host_ops.def"

}  // namespace systole::sim::host
