// Units: a kind of units.def and, where a machine has several of a kind, which of them (T11).
//
// A Unit is a number: those of instance 0 are the kinds in the table's order, so that a machine
// with one unit of each kind has the units 0 to kUnitKinds - 1; each further instance follows with
// a number for every kind. Tables by unit are indexed by it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "isa/machine.h"

namespace systole::isa {

enum class Unit : std::uint8_t {
#define SYSTOLE_UNIT(name, text, count, meaning) name,
#include "isa/units.def"
};
inline constexpr auto kUnitKindNames = std::to_array<std::string_view>({
#define SYSTOLE_UNIT(name, text, count, meaning) text,
#include "isa/units.def"
});
inline constexpr std::size_t kUnitKinds = kUnitKindNames.size();
inline constexpr std::size_t kMaxInstances = 8;
inline constexpr std::size_t kMaxUnits = kUnitKinds * kMaxInstances;

constexpr std::size_t index(Unit unit) { return static_cast<std::size_t>(unit); }
constexpr Unit unit_at(std::size_t index) { return static_cast<Unit>(index); }
// Instance `instance` of `kind`, which is itself the first of its kind.
constexpr Unit unit_at(Unit kind, std::int64_t instance) {
  return unit_at(index(kind) + static_cast<std::size_t>(instance) * kUnitKinds);
}
constexpr Unit kind_of(Unit unit) { return unit_at(index(unit) % kUnitKinds); }
constexpr std::int64_t instance_of(Unit unit) {
  return static_cast<std::int64_t>(index(unit) / kUnitKinds);
}

// "matrix"; from the second of its kind on "matrix.1" ...
[[nodiscard]] std::string_view unit_name(Unit unit);

// How many units of a kind the machine has.
[[nodiscard]] std::int64_t unit_count(Unit kind, const Machine& machine);
// All units of the machine, in order of their numbers.
[[nodiscard]] std::vector<Unit> units_of(const Machine& machine);
// A table by unit has this many entries, whether the machine has the unit or not.
[[nodiscard]] std::size_t unit_slots(const Machine& machine);

}  // namespace systole::isa
