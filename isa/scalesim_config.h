// SCALE-Sim configurations: .cfg files as scalesim-project/SCALE-Sim (scale_config.py) reads them,
// as a machine.
#pragma once

#include <string>
#include <string_view>

#include "isa/machine.h"

namespace systole::isa {

[[nodiscard]] bool is_scalesim_config(const std::string& name_or_file);

// `base` (machines/scale_sim_ws.toml) with what the file says. Throws InputError (file:line): a
// malformed line, a missing or malformed key, a value that this machine does not model (another
// dataflow, sparsity, custom layouts, Ramulator traces).
[[nodiscard]] Machine machine_from_scalesim(std::string_view text, const std::string& where,
                                            Machine base);

}  // namespace systole::isa
