// Matrix model: the table of what was Verilated.
#include "rtl/matrix_model.h"

#include <array>

namespace systole::rtl {

#define SYSTOLE_RTL_MODEL(rows, columns, load, faults) \
  std::unique_ptr<MatrixModel> make_Vmatrix_##rows##_##columns##_##load##_##faults();
#include "rtl/models.def"

std::span<const ModelInfo> models() {
  static constexpr auto kModels = std::to_array<ModelInfo>({
#define SYSTOLE_RTL_MODEL(rows, columns, load, faults)  \
  {rows, columns, isa::WeightLoad::load, (faults) != 0, \
   make_Vmatrix_##rows##_##columns##_##load##_##faults},
#include "rtl/models.def"
  });
  return kModels;
}

}  // namespace systole::rtl
