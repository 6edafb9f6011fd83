// Feature map: the two views of a shape.
#include "compiler/lower/feature_map.h"

#include "base/diag.h"

namespace systole::compiler {

FeatureMap rows_view(const Shape& shape) {
  FeatureMap map;
  if (shape.empty()) return map;
  map.channels = shape.back();
  for (std::size_t d = 0; d + 1 < shape.size(); ++d) map.images *= shape[d];
  return map;
}

FeatureMap image_view(const Shape& shape) {
  SYSTOLE_CHECK(shape.size() == 4, "{} is no batch of images", shape_text(shape));
  return {shape[0], shape[2], shape[3], shape[1]};
}

}  // namespace systole::compiler
