// Quantity: a whole number with a unit as people write it: 128, 1e9, 1.5GHz, 300GB/s, 24MiB.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace systole::isa {

// How many `unit` (of machine.def: "Hz", "B", "B/s", "ns", "ps", or a word such as "rows") the text
// says. Behind the number may stand a blank, a prefix (k or K, M, G, T, P for powers of 1000; Ki,
// Mi, Gi, Ti for powers of 1024; n, u, m before seconds) and the unit or nothing. Nothing if the
// text is malformed, in another unit, not a whole number of `unit` or beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> parse_quantity(std::string_view text,
                                                         std::string_view unit);

}  // namespace systole::isa
