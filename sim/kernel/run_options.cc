// Names of the engines.
#include "sim/kernel/run_options.h"

#include <array>

namespace systole::sim {
namespace {

struct EngineInfo {
  std::string_view name, meaning;
};
constexpr auto kEngines = std::to_array<EngineInfo>({
#define SYSTOLE_ENGINE(name, text, meaning) {text, meaning},
#include "sim/kernel/engines.def"
});

}  // namespace

std::string_view engine_name(Engine engine) {
  return kEngines.at(static_cast<std::size_t>(engine)).name;
}

std::string_view engine_meaning(Engine engine) {
  return kEngines.at(static_cast<std::size_t>(engine)).meaning;
}

}  // namespace systole::sim
