// Fits the modelled GPUs on the half of the shared tables that is for it, and prints their figures
// as compare/model/devices.def has them, with the mean error on either half.
#include <fmt/core.h>

#include <cmath>

#include "compare/model/gpu_fit.h"

int main() {
  using namespace systole::compare;
  const std::vector<GpuTable>& tables = shared_gpu_tables();
  for (Device device : devices()) {
    if (device.family != Family::kGpu || !device.fit_of.empty()) continue;
    device.fit = fitted_gpu(device, tables);
    double sums[2] = {}, counts[2] = {};
    for (const GpuTable& table : tables) {
      for (const GpuRow& row : table.rows) {
        if (row.device != device.name) continue;
        sums[row.fitted_on ? 0 : 1] += std::abs(error_percent(device, row));
        counts[row.fitted_on ? 0 : 1] += 1.0;
      }
    }
    fmt::print("{:<13} {}  fitted {:.1f} %, unseen {:.1f} %\n", device.name, fit_text(device.fit),
               sums[0] / counts[0], sums[1] / counts[1]);
  }
}
