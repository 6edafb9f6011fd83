// Rung h100: the GPU model against measured products of a real H100 (compare/data, source in the
// file). Its four fitted figures come from two rows of three; the third says how good they are.
// Rows given with --data are all unseen, unless they are among those fitted.
#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"
#include "base/source.h"
#include "base/terminal.h"
#include "compare/model/fit.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr const char* kPrecision = "bf16";
constexpr double kTera = 1e12;

ValidationTable new_cases(std::string title) {
  return {"cases",
          std::move(title),
          {{"m", "m"},
           {"n", "n"},
           {"k", "k"},
           {"use", "row"},
           {"measured_us", "measured us", 2},
           {"modelled_us", "modelled us", 2},
           {"error_percent", "error %", 1},
           {"modelled_tflops", "modelled TFLOP/s", 1}},
          {}};
}

nlohmann::ordered_json case_row(const compare::Device& device, const compare::ProductRow& row,
                                const char* use) {
  const compare::Product& p = row.product;
  const double seconds = compare::product_time(device, kPrecision, p).total();
  const double operations =
      2.0 * static_cast<double>(p.m) * static_cast<double>(p.k) * static_cast<double>(p.n);
  return {{"m", p.m},
          {"n", p.n},
          {"k", p.k},
          {"use", use},
          {"measured_us", row.seconds * 1e6},
          {"modelled_us", seconds * 1e6},
          {"error_percent", compare::error_percent(device, kPrecision, row)},
          {"modelled_tflops", operations / seconds / kTera}};
}

bool same(const compare::Product& a, const compare::Product& b) {
  return a.m == b.m && a.k == b.k && a.n == b.n;
}

}  // namespace

Validation validate_h100(const ValidateRequest& request) {
  const Progress progress("validating");
  const compare::Device* device = compare::find_device("h100");
  SYSTOLE_CHECK(device != nullptr, "no h100 among the devices");
  const auto own = compare::read_product_rows(data_path("compare/model/data/h100_gemm_bf16.csv"));
  const auto fit = compare::rows_to_fit(own);
  const bool given = !request.data.empty();
  const auto rows = given ? compare::read_product_rows(request.data) : own;
  const auto was_fitted = [&](const compare::ProductRow& row) {
    return std::ranges::any_of(
        fit, [&](const compare::ProductRow& f) { return same(f.product, row.product); });
  };

  ValidationTable cases = new_cases("Products of 16-bit floats on one H100");
  std::vector<compare::ProductRow> unseen;
  for (const compare::ProductRow& row : rows) {
    const bool seen = was_fitted(row);
    if (!seen) unseen.push_back(row);
    cases.rows.push_back(case_row(*device, row, seen ? "fitted" : "unseen"));
  }
  if (unseen.empty())
    throw InputError(request.data, "holds only rows the model was fitted on", "others");
  Validation result;
  result.tables = {std::move(cases)};
  result.figures = {
      {"mean_error_percent", compare::mean_error_percent(*device, kPrecision, unseen)},
      {"fitted_rows_mean_error_percent", compare::mean_error_percent(*device, kPrecision, fit)}};
  const compare::DeviceFit& f = device->fit;
  result.notes = {
      "mean error: over the unseen rows alone",
      fmt::format(
          "fitted on two rows of three of compare/model/data/h100_gemm_bf16.csv: {:.3f} us a "
          "kernel, efficiency {:.3f}, half of it at a reuse of {:.2f}, {:.3f} of the "
          "bandwidth",
          f.kernel_seconds * 1e6, f.efficiency, f.half_reuse, f.memory_efficiency),
      "peaks, units, cache and bandwidths are published figures (compare/model/devices.def)"};
  return result;
}

}  // namespace systole::validate
