// Matrix model: the table of what was Verilated.
#include "rtl/matrix_model.h"

namespace systole::rtl {

std::string_view load_name(isa::WeightLoad load) {
  constexpr std::string_view kNames[] = {"through", "chain", "single"};
  return kNames[static_cast<std::size_t>(load)];
}

#ifdef SYSTOLE_RTL

#define SYSTOLE_RTL_MODEL(rows, columns, load, faults) \
  std::unique_ptr<MatrixModel> make_Vmatrix_##rows##_##columns##_##load##_##faults();
#include "rtl/models.def"

std::span<const ModelInfo> models() {
  static constexpr ModelInfo kModels[] = {
#define SYSTOLE_RTL_MODEL(rows, columns, load, faults)  \
  {rows, columns, isa::WeightLoad::load, (faults) != 0, \
   make_Vmatrix_##rows##_##columns##_##load##_##faults},
#include "rtl/models.def"
  };
  return kModels;
}

#else

std::span<const ModelInfo> models() { return {}; }

#endif

}  // namespace systole::rtl
