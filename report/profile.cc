// See profile.h.
#include "report/profile.h"

#include <fmt/core.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/diag.h"
#include "report/why_json.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using traces::Part;
using traces::Profile;

std::vector<Part> parts_of(const traces::ByResource& cycles) {
  std::vector<Part> parts;
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    if (cycles[r] == CycleCount(0)) continue;
    parts.push_back({std::string(sim::kResources[r].name), cycles[r].value});
  }
  return parts;
}

std::int64_t number(std::int64_t value) { return value; }
template <typename Tag>
std::int64_t number(Quantity<Tag> value) {
  return value.value;
}

std::vector<Part> bytes_of(const sim::Counters& counters) {
  std::vector<Part> parts;
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) \
  if (std::string_view(group) == "bytes") {                 \
    parts.push_back({#member, number(counters.member)});    \
  }
#include "sim/kernel/counters.def"
  return parts;
}

// Reads what `run --stats` wrote.
class Stats {
 public:
  Stats(const Json& json, const std::string& where) : json_(json), where_(where) {}

  [[nodiscard]] Profile profile() const {
    Profile profile;
    profile.model = get<std::string>(json_, "model");
    profile.cycles = get<std::int64_t>(json_, "cycles");
    profile.seconds = get<double>(json_, "seconds");
    profile.total_seconds = get<double>(json_, "total_seconds");
    profile.instructions = get<std::int64_t>(json_, "instructions");
    profile.program_hash = get<std::string>(json_, "program_hash");
    profile.path = path(json_);
    profile.matrix = amounts(object(object(json_, "counters"), "matrix"));
    profile.bytes = amounts(object(json_, "bytes"));
    for (const Json& layer : list(json_, "layers")) {
      profile.layers.push_back(
          {get<std::string>(layer, "name"), get<std::int64_t>(layer, "cycles"), path(layer)});
    }
    set_machine(profile);
    return profile;
  }

 private:
  [[noreturn]] void fail(const char* key) const {
    throw InputError(where_, fmt::format("'{}' is missing, null or of another type", key),
                     "what `systole run --stats FILE` writes of a run that keeps time");
  }
  template <typename T>
  [[nodiscard]] T get(const Json& json, const char* key) const {
    try {
      return json.at(key).get<T>();
    } catch (const Json::exception&) {
      fail(key);
    }
  }
  [[nodiscard]] const Json& object(const Json& json, const char* key) const {
    if (!json.is_object() || !json.contains(key) || !json.at(key).is_object()) fail(key);
    return json.at(key);
  }
  [[nodiscard]] const Json& list(const Json& json, const char* key) const {
    if (!json.is_object() || !json.contains(key) || !json.at(key).is_array()) fail(key);
    return json.at(key);
  }
  [[nodiscard]] std::vector<Part> path(const Json& json) const {
    std::vector<Part> parts;
    for (const Json& part : list(json, "path")) {
      parts.push_back({get<std::string>(part, "resource"), get<std::int64_t>(part, "cycles")});
    }
    return parts;
  }
  [[nodiscard]] std::vector<Part> amounts(const Json& json) const {
    std::vector<Part> parts;
    for (const auto& [key, value] : json.items()) {
      parts.push_back({key, get<std::int64_t>(json, key.c_str())});
    }
    return parts;
  }
  void set_machine(Profile& profile) const {
    const Json& machine = object(json_, "machine");
    profile.machine = get<std::string>(machine, "name");
    const Json& parameters = object(machine, "parameters");
    for (const auto& [key, value] : parameters.items()) {
      profile.parameters.emplace_back(key, get<std::string>(parameters, key.c_str()));
    }
    const auto clock = get<std::string>(parameters, "clock.hertz");
    const auto [end, error] =
        std::from_chars(clock.data(), clock.data() + clock.size(), profile.clock_hertz);
    const bool whole = error == std::errc() && end == clock.data() + clock.size();
    if (!whole || profile.clock_hertz < 1) fail("clock.hertz");
  }

  const Json& json_;
  const std::string& where_;
};

}  // namespace

Profile profile_of(const Record& record) {
  const Figures f = figures(record);
  Profile profile;
  profile.model = record.model;
  profile.machine = record.machine.name;
  profile.clock_hertz = record.machine.clock_hertz;
  for (const isa::ParameterView& p : isa::parameters(record.machine)) {
    profile.parameters.emplace_back(p.key, p.value);
  }
  profile.cycles = record.report.total.cycles.value;
  profile.seconds = f.seconds;
  profile.total_seconds = f.total_seconds;
  profile.instructions = record.report.total.instructions;
  profile.program_hash = record.program_hash;
  const std::vector<CycleCount> cycles = layer_cycles(record);
  const traces::CriticalPath& path = record.why->path;
  for (std::size_t i = 0; i < record.report.layers.size(); ++i) {
    profile.layers.push_back(
        {record.report.layers[i].name, cycles[i].value,
         i < path.layers.size() ? parts_of(path.layers[i]) : std::vector<Part>()});
  }
  profile.path = parts_of(path.by_resource);
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    profile.matrix.push_back(
        {key_of(sim::stall_name(static_cast<sim::Stall>(i))), record.report.total.matrix[i].value});
  }
  profile.bytes = bytes_of(record.report.total);
  return profile;
}

Profile profile_from_stats(const Json& stats, const std::string& where) {
  return Stats(stats, where).profile();
}

}  // namespace systole::report
