// See why_json.h.
#include "report/why_json.h"

#include <nlohmann/json.hpp>

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json bound_json(const Record& record) {
  const bool host = record.why && record.why->by_host();
  Json json{{"bound_by", nullptr},
            {"device_bound_by", nullptr},
            {"bound_parameter", nullptr},
            {"share", nullptr},
            {"bound_text", nullptr}};
  if (record.why) {
    const traces::Bound& bound = record.why->bound;
    json["bound_by"] = json["device_bound_by"] = traces::bound_names(bound);
    json["bound_parameter"] = traces::bound_parameters(bound);
    if (bound.shares.at(0)) json["share"] = *bound.shares[0];
    json["bound_text"] = traces::bound_sentence(*record.why);
  }
  if (host) {
    json["bound_by"] = Json::array({"host"});
    json["bound_parameter"] = Json::array();
    const double seconds = record.why->host_seconds + record.why->device_seconds;
    json["share"] = record.why->host_seconds / seconds;
  }
  return json;
}

Json path_json(const traces::CriticalPath& path) {
  Json json = Json::array();
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    const std::int64_t cycles = path.by_resource[r].value;
    if (cycles == 0) continue;
    json.push_back({{"resource", sim::kResources[r].name}, {"cycles", cycles}});
  }
  return json;
}

}  // namespace systole::report
