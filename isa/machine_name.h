// Machine names: what a machine is called wherever it is named, so that no change of a preset goes
// unseen: "tpu_v1 + dram.bytes_per_second=2x".
//
// A changed value is shown as a factor of the value before where both are of seven digits and more
// and a factor of three digits gives it exactly, else as itself: a name follows from values alone,
// however they were set. Names are shortened to a few changes, a count and a fingerprint of all
// values; which machines are the same is decided by Machine's ==, never by a name.
#pragma once

#include <string>
#include <vector>

#include "isa/machine.h"

namespace systole::isa {

// One parameter that differs: values as `parameters` prints them.
struct Change {
  std::string key, unit, before, now;
};

// In the order of machine.def.
[[nodiscard]] std::vector<Change> changes(const Machine& before, const Machine& now);

// "key=2x": the change as a name shows it; a frequency as people write it, "key=1.5GHz".
[[nodiscard]] std::string change_text(const Change& change);

// `name` and what makes `now` of `before`; `name` itself if they are equal.
[[nodiscard]] std::string changed_name(const std::string& name, const Machine& before,
                                       const Machine& now);

// A name of its own, at most 120 bytes of it.
[[nodiscard]] std::string bounded_name(const std::string& name);

}  // namespace systole::isa
