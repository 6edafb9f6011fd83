// Accuracy: how often the largest score of a row is the label's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::report {

struct Accuracy {
  std::int64_t correct = 0, total = 0;
  [[nodiscard]] double percent() const {
    return total == 0 ? 0.0 : 100.0 * static_cast<double>(correct) / static_cast<double>(total);
  }
};

// Labels from an IDX or .npy file of integers, one a row. Throws InputError: unreadable, not
// integers, not `rows` of them.
[[nodiscard]] std::vector<std::int64_t> read_labels(const std::string& path, std::int64_t rows);

// Top-1 accuracy of scores [rows, ...]: the first largest element of each row counts. Rows beyond
// the labels are ignored.
[[nodiscard]] Accuracy top1(const Tensor& scores, std::span<const std::int64_t> labels);

}  // namespace systole::report
