// Names of waits (rows of waits.def).
#pragma once

#include <array>
#include <string_view>

namespace systole::sim {

namespace wait {
#define SYSTOLE_WAIT(name, text, unit, meaning) inline constexpr std::string_view name = text;
#include "sim/kernel/waits.def"
}  // namespace wait

struct WaitInfo {
  std::string_view name, unit, meaning;
};
inline constexpr auto kWaits = std::to_array<WaitInfo>({
#define SYSTOLE_WAIT(name, text, unit, meaning) {text, unit, meaning},
#include "sim/kernel/waits.def"
});

}  // namespace systole::sim
