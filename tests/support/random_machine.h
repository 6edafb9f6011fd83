// Random machines: small, of every weight_load, so that queues, FIFO and buffers fill up.
#pragma once

#include <cstdint>

#include "isa/machine.h"
#include "tests/support/random_choice.h"

namespace systole {

[[nodiscard]] isa::Machine random_machine(RandomChoice& random);
// Gives it several matrix units and a memory that holds everything.
// Makes it multiply bf16, too, or nothing else.
void add_floats(isa::Machine& machine, RandomChoice& random);
void widen(isa::Machine& machine, RandomChoice& random);

// Parameter rows of the largest table; on a random machine they lie behind all other parameters.
[[nodiscard]] std::int64_t table_rows(const isa::Machine& machine);

}  // namespace systole
