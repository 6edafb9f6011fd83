// SCALE-Sim configurations: files (.cfg) as scalesim-project/SCALE-Sim (scale_config.py) reads
// them, as a machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "isa/machine.h"

namespace systole::isa {

struct ScaleSimConfig {
  Machine machine;
  std::vector<std::string> without_effect;  // keys of the file that change nothing here
};

// `base` (machines/scale_sim_ws.toml) with what the file says. Throws InputError (file:line): a
// malformed line, a missing or malformed key, a value that this machine does not model (another
// dataflow, sparsity, custom layouts, Ramulator traces).
[[nodiscard]] ScaleSimConfig read_scalesim_config(std::string_view text, const std::string& where,
                                                  Machine base);
[[nodiscard]] Machine machine_from_scalesim(std::string_view text, const std::string& where,
                                            Machine base);

}  // namespace systole::isa
