// Names of the stall classes.
#include "sim/kernel/report.h"

namespace systole::sim {
namespace {

struct StallInfo {
  std::string_view name, meaning;
};
constexpr auto kStalls = std::to_array<StallInfo>({
#define SYSTOLE_STALL(name, text, meaning) {text, meaning},
#include "sim/kernel/stalls.def"
});

}  // namespace

std::string_view stall_name(Stall stall) {
  return kStalls.at(static_cast<std::size_t>(stall)).name;
}

std::string_view stall_meaning(Stall stall) {
  return kStalls.at(static_cast<std::size_t>(stall)).meaning;
}

}  // namespace systole::sim
