// Feature map: how the machine sees a value: pixels, one after another, each a row of channels.
//
// A [N, C, H, W] value is N images of H x W pixels of C channels (stored N, H, W, C); any other
// value has all its dimensions but the last as images of one pixel and the last as channels.
#pragma once

#include "base/tensor.h"

namespace systole::compiler {

struct FeatureMap {
  std::int64_t images = 1, height = 1, width = 1, channels = 1;

  [[nodiscard]] std::int64_t image_pixels() const { return height * width; }
  [[nodiscard]] std::int64_t pixels() const { return images * height * width; }
  // Whether N, C, H, W and N, H, W, C are the same bytes.
  [[nodiscard]] bool is_flat() const { return channels == 1 || image_pixels() == 1; }
  bool operator==(const FeatureMap&) const = default;
};

// Blocks of y x x pixels that become one pixel of their channels (space to depth).
struct Fold {
  std::int64_t y = 1, x = 1;
  bool operator==(const Fold&) const = default;
};
// The map whose pixels are the blocks of `map`, which they must divide.
[[nodiscard]] FeatureMap folded(const FeatureMap& map, const Fold& fold);

// A value as rows of features: all dimensions but the last, and the last.
[[nodiscard]] FeatureMap rows_view(const Shape& shape);
// A [N, C, H, W] value as N images.
[[nodiscard]] FeatureMap image_view(const Shape& shape);

}  // namespace systole::compiler
