// See unit.h.
#include "isa/unit.h"

#include <algorithm>
#include <string>

namespace systole::isa {

std::string_view unit_name(Unit unit) {
  static const auto names = [] {
    std::array<std::string, kMaxUnits> all;
    for (std::size_t u = 0; u < kMaxUnits; ++u) {
      all[u] = kUnitKindNames[u % kUnitKinds];
      if (u >= kUnitKinds) all[u] += "." + std::to_string(u / kUnitKinds);
    }
    return all;
  }();
  return names.at(index(unit));
}

std::int64_t unit_count(Unit kind, const Machine& machine) {
  switch (kind) {
#define SYSTOLE_UNIT(name, text, count, meaning) \
  case Unit::name:                               \
    return count;
#include "isa/units.def"
  }
  return 0;
}

std::vector<Unit> units_of(const Machine& machine) {
  std::vector<Unit> units;
  for (std::size_t u = 0; u < unit_slots(machine); ++u) {
    if (instance_of(unit_at(u)) < unit_count(kind_of(unit_at(u)), machine)) {
      units.push_back(unit_at(u));
    }
  }
  return units;
}

std::size_t unit_slots(const Machine& machine) {
  std::int64_t most = 1;
  for (std::size_t k = 0; k < kUnitKinds; ++k) {
    most = std::max(most, unit_count(unit_at(k), machine));
  }
  return static_cast<std::size_t>(most) * kUnitKinds;
}

}  // namespace systole::isa
