// Intervals of modelled times: how far off the model of a GPU was on measured rows that it was not
// fitted on, by device, precision and kind of layer.
#pragma once

#include <optional>
#include <string_view>

#include "compare/model/gpu_table.h"

namespace systole::compare {

// What nine of ten of these rows stay within, in percent of the measured times; nothing with fewer
// than kLeastErrorRows of them. bf16 and fp16 are one: the same units, rates and bytes.
inline constexpr std::size_t kLeastErrorRows = 8;
[[nodiscard]] std::optional<double> gpu_error_percent(const Device& device,
                                                      std::string_view precision, GpuKind kind);

// A copy over the link takes from its raw rate's time to this much more: of 15.75 GB/s (PCI Express
// 3.0, 16 lanes) 10 GiB/s arrive at a TPU v1 (Jouppi et al., ISCA 2017, Figure 1).
inline constexpr double kLinkErrorPercent = 100.0 * (15.75 / 10.74 - 1.0);

// Layers of kinds without a quantile may take this share of the time, and count as off by all of
// theirs; beyond it the model's error is not known.
inline constexpr double kMostUnknownShare = 0.1;

// Of a whole model: the errors of its layers and copies, each as its share of the time.
[[nodiscard]] std::optional<double> model_error_percent(const Device& device,
                                                        std::string_view precision,
                                                        const ModelWork& work,
                                                        const ModelTime& time);

}  // namespace systole::compare
