// Fitting: finds a device's four fitted figures from measured products, and says how far off the
// model is on rows it has not seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compare/model/device_model.h"

namespace systole::compare {

// One measured product.
struct ProductRow {
  Product product;
  double seconds = 0.0;
};

// Rows of a CSV file with a heading: m, k, n and one of tflops (10^12 operations a second, a
// multiply-add is two), latency_ns or seconds, in any order; further columns are left aside, lines
// that start with # too. Throws InputError naming the line.
[[nodiscard]] std::vector<ProductRow> read_product_rows(const std::string& path);

// Every third row from the third on is held out: which ones is decided by the order in the file and
// by nothing else.
[[nodiscard]] bool is_held_out(std::size_t index);

// The rows that are, or are not, held out.
[[nodiscard]] std::vector<ProductRow> rows_to_fit(const std::vector<ProductRow>& rows);

// The model's seconds less the measured ones, in percent of the measured ones.
[[nodiscard]] double error_percent(const Device& device, std::string_view precision,
                                   const ProductRow& row);
// Mean of the absolute errors; 0 without rows.
[[nodiscard]] double mean_error_percent(const Device& device, std::string_view precision,
                                        const std::vector<ProductRow>& rows);

// The figures with the least squared logarithmic error over `rows`, found by a pattern search from
// the device's own ones (Hooke and Jeeves, "Direct Search", JACM 8(2), 1961): deterministic, no
// derivatives. Efficiencies stay at most 1.
[[nodiscard]] DeviceFit fitted(Device device, std::string_view precision,
                               const std::vector<ProductRow>& rows);

}  // namespace systole::compare
