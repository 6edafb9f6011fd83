// Resources: parameters and their ranges (story in resources.h).
#include "sim/kernel/resources.h"

#include <algorithm>

namespace systole::sim {
namespace {

struct Parameter {
  std::string_view key;
  std::int64_t isa::Machine::*member;
  std::int64_t min, max;
};
constexpr auto kParameters = std::to_array<Parameter>({
#define SYSTOLE_INT(section, name, unit, default_value, min, max, text) \
  {#section "." #name, &isa::Machine::section##_##name, min, max},
#include "isa/machine.def"
});

const Parameter* parameter_of(Resource resource) {
  const auto* found = std::ranges::find(kParameters, info(resource).parameter, &Parameter::member);
  return found == kParameters.end() ? nullptr : found;
}

}  // namespace

std::string_view parameter_key(Resource resource) {
  const Parameter* parameter = parameter_of(resource);
  return parameter == nullptr ? std::string_view() : parameter->key;
}

isa::Machine relieved(const isa::Machine& machine, Resource resource) {
  isa::Machine changed = machine;
  if (const Parameter* parameter = parameter_of(resource)) {
    std::int64_t& value = changed.*parameter->member;
    const bool halves = info(resource).kind == ResourceKind::kLatency;
    value = std::clamp(halves ? ceil_div(value, 2) : 2 * value, parameter->min, parameter->max);
  }
  return changed;
}

}  // namespace systole::sim
