// Resources: what cycles of a critical path go to, and what relieves each (rows of resources.def).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isa/machine.h"

namespace systole::sim {

enum class Resource : std::uint8_t {
#define SYSTOLE_RESOURCE(name, text, kind, parameter, meaning) name,
#include "sim/kernel/resources.def"
};
enum class ResourceKind : std::uint8_t { kRate, kLatency, kCapacity, kPace, kFixed };

struct ResourceInfo {
  std::string_view name;
  ResourceKind kind;
  std::int64_t isa::Machine::*parameter;  // null: nothing relieves it
  std::string_view meaning;
};
inline constexpr auto kResources = std::to_array<ResourceInfo>({
#define SYSTOLE_RESOURCE(name, text, kind, parameter, meaning) \
  {text, ResourceKind::kind, parameter, meaning},
#include "sim/kernel/resources.def"
});
inline constexpr std::size_t kResourceCount = kResources.size();

[[nodiscard]] constexpr std::size_t index(Resource resource) {
  return static_cast<std::size_t>(resource);
}
[[nodiscard]] constexpr const ResourceInfo& info(Resource resource) {
  return kResources.at(index(resource));
}

// The key of the resource's parameter as `--set` takes it; empty if it has none.
[[nodiscard]] std::string_view parameter_key(Resource resource);
// The machine with twice the rate, room or pace or half the latency (rounded up), as far as the
// parameter's range goes; the same machine where nothing relieves the resource.
[[nodiscard]] isa::Machine relieved(const isa::Machine& machine, Resource resource);
// `cycles` of a kPace resource: divided by its what_if parameter, rounded up.
[[nodiscard]] inline CycleCount paced(const isa::Machine& machine, Resource resource,
                                      CycleCount cycles) {
  return CycleCount(ceil_div(cycles.value, machine.*info(resource).parameter));
}

}  // namespace systole::sim
