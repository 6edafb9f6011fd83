// The six workloads of TPU v1's paper as networks: Jouppi et al., "In-Datacenter Performance
// Analysis of a Tensor Processing Unit" (ISCA 2017, https://arxiv.org/abs/1704.04760), Table 1.
// models/README.md says what the paper gives and what is derived.
#pragma once

#include "compiler/zoo/networks.h"

namespace systole::compiler {

[[nodiscard]] Graph make_mlp0(const NetworkOptions& options);
[[nodiscard]] Graph make_mlp1(const NetworkOptions& options);
// One time step: the states h and c of every cell come in and go out.
[[nodiscard]] Graph make_lstm0(const NetworkOptions& options);
[[nodiscard]] Graph make_lstm1(const NetworkOptions& options);
[[nodiscard]] Graph make_cnn0(const NetworkOptions& options);
[[nodiscard]] Graph make_cnn1(const NetworkOptions& options);

}  // namespace systole::compiler
