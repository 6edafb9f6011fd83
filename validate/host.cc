// Rung host: the device model fitted on this computer, against products it was not fitted on.
//
// Products of single floats run on oneDNN here and now, on one thread; two of three fit the
// model's four figures, the third says how good they are. With --data the rows of the file are the
// unseen ones: m, k, n and one of tflops, latency_ns, seconds, measured on this computer in fp32.
#include <fmt/core.h>

#include <array>

#include "base/diag.h"
#include "base/terminal.h"
#include "compare/model/fit.h"
#include "compare/targets/targets.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr const char* kPrecision = "fp32";
constexpr int kThreads = 1;

// Up to a few milliseconds each, so that some runs are over before anything else gets its turn;
// each third one is held out (compare::is_held_out).
constexpr auto kShapes = std::to_array<compare::Product>(
    {{1, 1, 256, 256},    {1, 1, 1024, 1024}, {1, 1, 784, 512},    {1, 8, 256, 1024},
     {1, 8, 1024, 1024},  {1, 8, 512, 2048},  {1, 16, 512, 512},   {1, 16, 2048, 256},
     {1, 16, 1024, 1024}, {1, 32, 784, 512},  {1, 4, 2048, 1024},  {1, 32, 1024, 512},
     {1, 64, 256, 256},   {1, 2, 512, 512},   {1, 64, 512, 1024},  {1, 128, 128, 128},
     {1, 128, 256, 1024}, {1, 128, 512, 512}, {1, 256, 784, 256},  {1, 256, 256, 512},
     {1, 256, 256, 256},  {1, 512, 256, 256}, {1, 512, 512, 128},  {1, 512, 128, 512},
     {1, 64, 784, 512},   {1, 1024, 64, 256}, {1, 1024, 128, 512}, {1, 1, 512, 2048},
     {1, 2048, 128, 128}, {1, 32, 512, 512}});

std::vector<compare::ProductRow> measured_rows() {
  std::vector<compare::ProductRow> rows;
  Progress progress("measuring");
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    progress.update(static_cast<double>(i) / static_cast<double>(kShapes.size()));
    rows.push_back(
        {kShapes.at(i), compare::host_product_seconds(kShapes.at(i), {kPrecision, kThreads})});
  }
  return rows;
}

void add_case(const compare::Device& device, const compare::ProductRow& row, const char* use,
              ValidationTable& cases) {
  const double seconds = compare::product_time(device, kPrecision, row.product).total();
  cases.rows.push_back({{"m", row.product.m},
                        {"n", row.product.n},
                        {"k", row.product.k},
                        {"use", use},
                        {"measured_us", row.seconds * 1e6},
                        {"modelled_us", seconds * 1e6},
                        {"error_percent", compare::error_percent(device, kPrecision, row)}});
}

}  // namespace

Validation validate_host(const ValidateRequest& request) {
  std::vector<compare::ProductRow> unseen;  // read first: a wrong file is known at once
  if (!request.data.empty()) unseen = compare::read_product_rows(request.data);
  const auto rows = measured_rows();
  const auto fit = compare::rows_to_fit(rows);
  compare::Device device = compare::host_device(kPrecision, kThreads);
  device.fit = compare::fitted(device, kPrecision, fit);

  ValidationTable cases{"cases",
                        "Products of single floats on this computer",
                        {{"m", "m"},
                         {"n", "n"},
                         {"k", "k"},
                         {"use", "row"},
                         {"measured_us", "measured us", 2},
                         {"modelled_us", "modelled us", 2},
                         {"error_percent", "error %", 1}},
                        {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (compare::is_held_out(i) && request.data.empty()) unseen.push_back(rows[i]);
    if (!compare::is_held_out(i)) add_case(device, rows[i], "fitted", cases);
  }
  for (const compare::ProductRow& row : unseen) add_case(device, row, "unseen", cases);
  Validation result;
  result.tables = {std::move(cases)};
  result.figures = {
      {"mean_error_percent", compare::mean_error_percent(device, kPrecision, unseen)},
      {"fitted_rows_mean_error_percent", compare::mean_error_percent(device, kPrecision, fit)}};
  const compare::DeviceFit& f = device.fit;
  result.notes = {
      "mean error: over the unseen rows alone",
      fmt::format("{}, one thread, fp32, {}; measured now: the least of several runs", device.text,
                  compare::onednn_text()),
      fmt::format("peak {:.1f} GFLOP/s and {:.1f} GB/s ({:.1f} in cache) as measured; fitted: "
                  "{:.2f} us a product, efficiency {:.2f}, half of it at a reuse of {:.2f}, {:.2f} "
                  "of the bandwidth",
                  device.peaks.fp32 / 1e9, device.memory.dram / 1e9, device.memory.cache / 1e9,
                  f.kernel_seconds * 1e6, f.efficiency, f.half_reuse, f.memory_efficiency)};
  return result;
}

}  // namespace systole::validate
