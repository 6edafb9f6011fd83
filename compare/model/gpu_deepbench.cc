// DeepBench's sheets: products and convolutions, forward.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/diag.h"
#include "base/source.h"
#include "compare/model/gpu_rows.h"

namespace systole::compare {
namespace {

// Of back-to-back launches in a loop: as device_model.h has a stream's.
constexpr double kLaunch = kStreamLaunch.seconds;

// Of DeepBench's sheets. P100's "Psuedo FP16" is stored in 16 bits: its products stay below the
// peak of single floats and are computed in these, its convolutions pass it and are not.
std::string sheet_precision(const std::string& sheet, bool convolution) {
  if (sheet.find("FP16") == std::string::npos) return "fp32";
  const bool pseudo = sheet.find("Psuedo") != std::string::npos;
  return pseudo && !convolution ? "fp16/fp32" : "fp16";
}

}  // namespace

void read_deepbench_gemm(const Cells& cells, GpuTable& table) {
  GpuRow row = row_of(cells, cells.text("device"), "time_ms");
  row.precision = sheet_precision(cells.text("sheet_precision"), false);
  row.source = "DeepBench";
  row.launch = kLaunch;
  set_product(row, product_of(cells, 1));
  row.seconds = cells.seconds(cells.number("time_ms") * 1e-3);
  add(std::move(row), table);
}

namespace {

// What a sheet leaves out of a convolution, from the one problem of DeepBench that has the rest.
using Geometry = std::array<std::int64_t, 10>;
constexpr std::array<const char*, 10> kGeometry = {
    "w", "h", "c", "k", "s_filter_w", "r_filter_h", "pad_w", "pad_h", "stride_w", "stride_h"};

const std::vector<Geometry>& deepbench_problems() {
  static const std::vector<Geometry> kProblems = [] {
    const CsvTable table = read_csv(data_path("compare/model/data/deepbench_problems.csv"));
    std::vector<Geometry> problems;
    for (const CsvRow& row : table.rows) {
      Geometry problem{};
      for (std::size_t i = 0; i < problem.size(); ++i) {
        problem[i] = whole_number(table, row, kGeometry[i], 0, kMostSide);
      }
      problems.push_back(problem);
    }
    return problems;
  }();
  return kProblems;
}

// Negative where the sheet left it out.
Geometry geometry_in(const Cells& cells) {
  Geometry geometry{};
  for (std::size_t i = 0; i < geometry.size(); ++i) {
    const std::string_view column = kGeometry[i];
    const bool pad = column.starts_with("pad");
    const bool zero = pad && cells.text(column) == "0";
    geometry[i] = !cells.has(column) ? -1 : zero ? 0 : cells.whole(column, kMostSide);
  }
  return geometry;
}

// False if no problem, or more than one, has what is there.
bool completed(Geometry& geometry) {
  const auto missing = [](std::int64_t value) { return value < 0; };
  if (std::ranges::none_of(geometry, missing)) return true;
  const Geometry* found = nullptr;
  for (const Geometry& problem : deepbench_problems()) {
    bool fits = true;
    for (std::size_t i = 0; i < problem.size(); ++i) {
      fits = fits && (missing(geometry[i]) || geometry[i] == problem[i]);
    }
    if (fits && found != nullptr) return false;
    if (fits) found = &problem;
  }
  if (found != nullptr) geometry = *found;
  return found != nullptr;
}

}  // namespace

void read_deepbench_conv(const Cells& cells, GpuTable& table) {
  GpuRow row = row_of(cells, cells.text("device"), "fwd_ms");
  row.precision = sheet_precision(cells.text("sheet_precision"), true);
  row.source = "DeepBench";
  row.launch = kLaunch;
  Geometry geometry = geometry_in(cells);
  if (!completed(geometry)) {
    ++table.skipped["a convolution whose window or stride is not written down"];
    return;
  }
  if (!cells.has("fwd_ms")) {
    ++table.skipped["no forward time"];
    return;
  }
  const auto [w, h, c, k, s, r, pad_w, pad_h, stride_w, stride_h] = geometry;
  const Convolution conv{.images = cells.whole("n", kMostSide),
                         .channels = c,
                         .height = h,
                         .width = w,
                         .filters = k,
                         .kernel_h = r,
                         .kernel_w = s,
                         .stride_h = stride_h,
                         .stride_w = stride_w,
                         .out_h = (h + 2 * pad_h - r) / stride_h + 1,
                         .out_w = (w + 2 * pad_w - s) / stride_w + 1};
  if (h + 2 * pad_h < r || w + 2 * pad_w < s) {
    throw InputError(row.where, "a window larger than its image", "one that fits");
  }
  row.kind = GpuKind::kConvolution;
  row.operation = kind_name(row.kind);
  row.work = conv;
  row.shape = fmt::format("{} x {} x {} x {}, {} of {} x {} by {}", conv.images, c, h, w, k, r, s,
                          stride_h);
  row.seconds = cells.seconds(cells.number("fwd_ms") * 1e-3);
  add(std::move(row), table);
}

}  // namespace systole::compare
