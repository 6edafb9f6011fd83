// Diff: two runs side by side: what each part of them took, and what of the difference it makes.
//
// A profile is what is known of a run when it is over. Its cycles are divided three times, by
// layer, by resource of the critical path and by class of the matrix unit's stall table; each
// division is whole, so the differences of each table add up to that of the runs. Parts are matched
// by name, the second of a name with the second.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace systole::traces {

struct Part {
  std::string name;
  std::int64_t amount = 0;
};

struct LayerProfile {
  std::string name;
  std::int64_t cycles = 0;  // of the critical path
  std::vector<Part> path;   // the same by resource
};

struct Profile {
  std::string model, machine;
  std::vector<std::pair<std::string, std::string>> parameters;  // of the machine: key and value
  std::int64_t clock_hertz = 1;
  std::int64_t cycles = 0;
  double seconds = 0, total_seconds = 0;  // of the device; with the host's priced steps
  std::int64_t instructions = 0;          // executed
  std::string program_hash;               // of what was executed; empty: not known
  std::vector<LayerProfile> layers;
  std::vector<Part> path;    // cycles of the critical path by resource
  std::vector<Part> matrix;  // cycles of the matrix units by class
  std::vector<Part> bytes;   // moved, by space
};

// The profile of one of `count` equal parts: cycles by the method of the largest remainder, so that
// each division still adds up.
[[nodiscard]] Profile divided(const Profile& whole, std::int64_t count);

struct ParameterChange {
  std::string key, a, b;
};
// Of parameters that both have; in their order.
[[nodiscard]] std::vector<ParameterChange> parameter_changes(const Profile& a, const Profile& b);

struct PartChange {
  std::string name;
  std::int64_t a = 0, b = 0;
  std::vector<Part> by_resource;  // of a layer: what of the change each makes, the most first
  [[nodiscard]] std::int64_t change() const { return b - a; }
};

struct Diff {
  std::vector<ParameterChange> parameters;
  // The largest change of time first (bytes: of number); parts that neither run has are left out.
  std::vector<PartChange> layers, path, matrix, bytes;
};
[[nodiscard]] Diff diff(const Profile& a, const Profile& b);

}  // namespace systole::traces
