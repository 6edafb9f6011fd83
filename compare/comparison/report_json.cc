// A comparison as JSON (systole.comparison/3), and a row back from it.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/diag.h"
#include "compare/comparison/compare.h"
#include "report/diff_text.h"

namespace systole::compare {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// A time that is not known is 0 here and null there.
Json known(double seconds) { return seconds > 0.0 ? Json(seconds) : Json(nullptr); }

Json to_json(const BatchTime& time) {
  return {{"seconds", known(time.total)},
          {"device_seconds", known(time.device)},
          {"host_seconds", time.host}};
}

Json to_json(const Point& p) {
  return {{"batch", p.batch},
          {"latency", to_json(p.latency)},
          {"period", to_json(p.period)},
          {"cold", p.cold},
          {"spread", or_null(p.spread)},
          {"interval", p.interval ? to_json(*p.interval) : Json(nullptr)},
          {"p90_seconds", or_null(p.p90)},
          {"p99_seconds", or_null(p.p99)},
          {"quick", p.quick},
          {"bound_by", p.bound},
          {"bound_by_alone", p.bound_alone.empty() ? p.bound : p.bound_alone},
          {"bound_text", p.why},
          {"bound_text_alone", p.why_alone},
          {"output_check", p.check ? to_json(*p.check) : Json(nullptr)}};
}

Json to_json(const Series& s) {
  Json points = Json::array();
  for (const Point& p : s.points) points.push_back(to_json(p));
  return {{"target", s.target},
          {"kind", s.kind},
          {"device", s.device},
          {"precision", s.precision},
          {"threads", s.threads},
          {"settings", s.settings},
          {"error_percent", or_null(s.error_percent)},
          {"error_source", s.error_source},
          {"accuracy", or_null(s.accuracy)},
          {"peak_operations_per_second", s.peak},
          {"memory_bytes_per_second", s.bandwidth},
          {"points", std::move(points)}};
}

template <typename T>
T get(const Json& json, const char* key) {
  try {
    return json.at(key).get<T>();
  } catch (const Json::exception&) {
    throw InputError("comparison row", fmt::format("'{}' is missing or of another type", key),
                     "a row of systole.comparison/3");
  }
}

std::optional<double> get_optional(const Json& json, const char* key) {
  if (json.contains(key) && json.at(key).is_null()) return std::nullopt;
  return get<double>(json, key);
}

double get_known(const Json& json, const char* key) {
  return get_optional(json, key).value_or(0.0);
}

Json diff_of(const std::optional<traces::Profile>& a, const std::optional<traces::Profile>& b) {
  if (!a || !b) return nullptr;
  const traces::Diff diff = traces::diff(*a, *b);
  return report::diff_json({*a, *b, diff});
}

// Every simulated machine beside the first, by batch size.
Json machine_differences(const Comparison& c) {
  Json list = Json::array();
  const Series* first = first_machine(c);
  for (const Series& s : c.series) {
    if (first == nullptr || s.kind != kSimulated || s.target == first->target) continue;
    for (const Point& point : s.points) {
      const Point* other = point_at(*first, point.batch);
      if (other == nullptr) continue;
      list.push_back({{"target", s.target},
                      {"simulated_against", first->target},
                      {"batch", point.batch},
                      {"latency", diff_of(other->profile_alone, point.profile_alone)},
                      {"period", diff_of(other->profile, point.profile)}});
    }
  }
  return list;
}

}  // namespace

Json to_json(const Row& row) {
  return {{"scenario", row.scenario},
          {"target", row.target},
          {"kind", row.kind},
          {"precision", row.precision},
          {"threads", row.threads},
          {"batch", row.batch},
          {"best_setting", row.best},
          {"latency_seconds", known(row.latency)},
          {"period_seconds", known(row.period)},
          {"throughput", row.throughput},
          {"p90_seconds", or_null(row.p90)},
          {"p99_seconds", or_null(row.p99)},
          {"device_seconds", known(row.device)},
          {"host_seconds", row.host},
          {"reference", row.reference},
          {"times_faster", or_null(row.times_faster)},
          {"peak_percent", or_null(row.peak_percent)},
          {"bound_by", row.bound},
          {"bound_text", row.why},
          {"error_low", or_null(row.low)},
          {"error_high", or_null(row.high)},
          {"accuracy", or_null(row.accuracy)},
          {"quick", row.quick},
          {"busy", row.busy},
          {"simulated_against", row.against},
          {"differs", row.differs},
          {"cycles_differ", row.cycles_differ},
          {"times_faster_than_it", or_null(row.against_times_faster)}};
}

Row row_from_json(const Json& json) {
  Row row;
  row.scenario = get<std::string>(json, "scenario");
  row.target = get<std::string>(json, "target");
  row.kind = get<std::string>(json, "kind");
  row.precision = get<std::string>(json, "precision");
  row.threads = get<int>(json, "threads");
  row.batch = get<std::int64_t>(json, "batch");
  row.best = get<bool>(json, "best_setting");
  row.latency = get_known(json, "latency_seconds");
  row.period = get_known(json, "period_seconds");
  row.throughput = get<double>(json, "throughput");
  row.p90 = get_optional(json, "p90_seconds");
  row.p99 = get_optional(json, "p99_seconds");
  row.device = get_known(json, "device_seconds");
  row.host = get<double>(json, "host_seconds");
  row.reference = get<bool>(json, "reference");
  row.times_faster = get_optional(json, "times_faster");
  row.peak_percent = get_optional(json, "peak_percent");
  row.bound = get<std::string>(json, "bound_by");
  row.why = get<std::string>(json, "bound_text");
  row.low = get_optional(json, "error_low");
  row.high = get_optional(json, "error_high");
  row.accuracy = get_optional(json, "accuracy");
  row.quick = get<bool>(json, "quick");
  row.busy = get<bool>(json, "busy");
  row.against = get<std::string>(json, "simulated_against");
  row.differs = get<std::string>(json, "differs");
  if (!json.contains("cycles_differ")) return row;  // of a version that did not say so
  row.cycles_differ = get<std::string>(json, "cycles_differ");
  row.against_times_faster = get_optional(json, "times_faster_than_it");
  return row;
}

Json to_json(const Comparison& c) {
  Json json{{"schema", "systole.comparison/3"},
            {"model", c.model},
            {"model_hash", c.model_hash},
            {"macs_per_sample", c.macs},
            {"machine", c.machine},
            {"machine_parameters", c.machine_toml},
            {"host", c.host},
            {"libraries", c.libraries},
            {"version", c.version},
            {"date", c.date},
            {"command", c.command},
            {"p99_limit_seconds", c.p99_limit},
            {"fp32_accuracy", or_null(c.float_accuracy)},
            {"summary", c.summary},
            {"rules", rules()},
            {"notes", c.notes}};
  for (const char* key : {"rows", "means", "absent", "series", "measurements"}) {
    json[key] = Json::array();
  }
  for (const Row& row : c.rows) json["rows"].push_back(to_json(row));
  for (const Mean& m : c.means) {
    json["means"].push_back({{"target", m.target},
                             {"kind", m.kind},
                             {"precision", m.precision},
                             {"geometric_mean_times_faster", m.times_faster},
                             {"batches", m.batches}});
  }
  for (const Absent& a : c.absent) {
    json["absent"].push_back(
        {{"target", a.target}, {"precision", a.precision}, {"reason", a.reason}});
  }
  json["machine_differences"] = machine_differences(c);
  for (const Series& s : c.series) json["series"].push_back(to_json(s));
  for (const Measurement& m : c.measurements) json["measurements"].push_back(to_json(m));
  return json;
}

}  // namespace systole::compare
