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

FeatureMap folded(const FeatureMap& map, const Fold& fold) {
  SYSTOLE_CHECK(map.height % fold.y == 0 && map.width % fold.x == 0, "blocks of {} x {} in {} x {}",
                fold.y, fold.x, map.height, map.width);
  return {map.images, map.height / fold.y, map.width / fold.x, map.channels * fold.y * fold.x};
}

FeatureMap image_view(const Shape& shape) {
  SYSTOLE_CHECK(shape.size() == 4, "{} is no batch of images", shape_text(shape));
  return {shape[0], shape[2], shape[3], shape[1]};
}

}  // namespace systole::compiler
