// The figures of a GPU from measured tables: bench/fit_gpu prints them, devices.def holds them, and
// a test compares the two.
#pragma once

#include <string>
#include <vector>

#include "compare/model/gpu_table.h"

namespace systole::compare {

// Names of the figures in the order of devices.def, which of them this device's rows can tell, at
// most six; the others stay as they are.
[[nodiscard]] std::vector<double DeviceFit::*> fitted_figures(const Device& device,
                                                              const std::vector<GpuRow>& rows);

// Finds the figures with the least sum, over the groups of rows of one table, precision and
// operation, of the mean absolute logarithm of modelled over measured times the root of the number
// of rows: no group decides alone. Rows of other devices and rows that are not `fitted_on` are left
// aside. Pattern search (Hooke and Jeeves, "Direct Search", JACM 8(2), 1961), the results rounded
// to four digits: deterministic, no derivatives.
[[nodiscard]] DeviceFit fitted_gpu(Device device, const std::vector<GpuTable>& tables);

// "(2.4e-06, 0.986, ...)" as devices.def has it.
[[nodiscard]] std::string fit_text(const DeviceFit& fit);

}  // namespace systole::compare
