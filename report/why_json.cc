// See why_json.h.
#include "report/why_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/host_time.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

BoundKeys bound_keys(const Record& record) {
  const traces::Explanation& why = *record.why;
  BoundKeys keys;
  keys.device_by = traces::bound_names(why.bound);
  keys.text = traces::bound_sentence(why);
  if (why.by_host()) {
    keys.by = {"host"};
    keys.share = why.host_seconds / (why.host_seconds + why.device_seconds);
    const std::vector<HostChange> changes = host_changes(record);
    for (const HostChange& change : changes) {
      const double best = changes.front().gain;
      if (change.gain >= std::max(best - traces::Bound::kAlike, traces::Bound::kWorth)) {
        keys.parameters.push_back(change.key);
      }
    }
    return keys;
  }
  keys.by = keys.device_by;
  keys.parameters = traces::bound_parameters(why.bound);
  keys.share = why.bound.shares.at(0);
  return keys;
}

Json bound_json(const Record& record) {
  if (!record.why) {
    return {{"bound_by", nullptr},
            {"device_bound_by", nullptr},
            {"bound_parameter", nullptr},
            {"share", nullptr},
            {"bound_text", nullptr}};
  }
  const BoundKeys keys = bound_keys(record);
  return {{"bound_by", keys.by},
          {"device_bound_by", keys.device_by},
          {"bound_parameter", keys.parameters},
          {"share", keys.share ? Json(*keys.share) : Json(nullptr)},
          {"bound_text", keys.text}};
}

Json path_json(const traces::ByResource& of) {
  Json json = Json::array();
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    const std::int64_t cycles = of[r].value;
    if (cycles == 0) continue;
    json.push_back({{"resource", sim::kResources[r].name}, {"cycles", cycles}});
  }
  return json;
}

std::string key_of(std::string_view name) {
  std::string key(name);
  std::ranges::replace(key, ' ', '_');
  return key;
}

}  // namespace systole::report
