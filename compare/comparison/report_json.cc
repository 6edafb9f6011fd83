// A comparison as JSON (systole.comparison/3), and a row back from it.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/diag.h"
#include "compare/comparison/compare.h"
#include "compare/comparison/summary.h"
#include "report/diff_text.h"
#include "report/page.h"

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

Json to_json(const std::vector<TimePart>& parts) {
  Json json = Json::array();
  for (const TimePart& part : parts)
    json.push_back({{"name", part.name}, {"seconds", part.seconds}});
  return json;
}

// A rate or an intensity, where both are known.
Json quotient(double of, double by) { return of > 0.0 && by > 0.0 ? Json(of / by) : Json(nullptr); }

Json to_json(const PointLayer& layer) {
  return {{"name", layer.name},
          {"operator", layer.op},
          {"seconds", layer.seconds},
          {"operations", known(layer.operations)},
          {"memory_bytes", known(layer.bytes)},
          {"operations_per_second", quotient(layer.operations, layer.seconds)},
          {"operations_per_byte", quotient(layer.operations, layer.bytes)},
          {"parts", to_json(layer.parts)},
          {"stalls", to_json(layer.stalls)}};
}

Json layers_json(const Point& p) {
  Json json = Json::array();
  for (const PointLayer& layer : p.layers) json.push_back(to_json(layer));
  return json;
}

Json flow_json(const std::optional<DataFlow>& flow) {
  if (!flow) return nullptr;
  Json levels = Json::array();
  for (const DataFlow::Level& level : flow->levels) {
    levels.push_back({{"name", level.name}, {"bytes", level.bytes}});
  }
  return {{"how", flow->how},
          {"weight_reuse", known(flow->weight_reuse)},
          {"activation_reuse", known(flow->activation_reuse)},
          {"sum_reuse", known(flow->sum_reuse)},
          {"levels", std::move(levels)}};
}

Json to_json(const Comparison& c, const Series& s, const Point& p) {
  const auto work = c.work.find(p.batch);
  const auto operations = static_cast<double>(c.operations * p.batch);
  const auto link_bytes =
      work == c.work.end()
          ? 0.0
          : static_cast<double>(work->second.input_bytes + work->second.output_bytes);
  return {{"batch", p.batch},
          {"latency", to_json(p.latency)},
          {"period", to_json(p.period)},
          {"cold", p.cold},
          {"throughput", quotient(static_cast<double>(p.batch), p.period.total)},
          {"operations_per_second", quotient(operations, p.period.total)},
          {"operations_per_byte", known(intensity_of(c, s, p))},
          {"operations_per_link_byte", quotient(operations, link_bytes)},
          {"spread", or_null(p.spread)},
          {"interval", p.interval ? to_json(*p.interval) : Json(nullptr)},
          {"p90_seconds", or_null(p.p90)},
          {"p99_seconds", or_null(p.p99)},
          {"quick", p.quick},
          {"busy", p.spread > kBusySpread},
          {"bound_by", p.bound},
          {"bound_by_alone", p.bound_alone.empty() ? p.bound : p.bound_alone},
          {"bound_text", p.why},
          {"bound_text_alone", p.why_alone},
          {"output_check", p.check ? to_json(*p.check) : Json(nullptr)},
          {"layers_of", p.layers_alone ? "latency" : "period"},
          {"layers", layers_json(p)},
          {"data_flow", flow_json(p.flow)}};
}

Json to_json(const ServerCurve& server) {
  Json responses = Json::array();
  for (const Response& r : server.responses) {
    responses.push_back({{"load", r.load},
                         {"rate", r.rate},
                         {"p50_seconds", r.p50},
                         {"p90_seconds", r.p90},
                         {"p99_seconds", r.p99}});
  }
  return {{"batches", server.batches},
          {"rate", known(server.rate)},
          {"p99_seconds", known(server.p99)},
          {"capacity", known(server.capacity)},
          {"share_of_capacity", quotient(server.rate, server.capacity)},
          {"responses", std::move(responses)}};
}

Json to_json(const Comparison& c, const Series& s) {
  Json points = Json::array();
  for (const Point& p : s.points) points.push_back(to_json(c, s, p));
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
          {"cache_bytes_per_second", known(s.cache_bandwidth)},
          {"link_bytes_per_second", known(s.link_bandwidth)},
          {"server", to_json(s.server)},
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
            {"operations_per_sample", c.operations},
            {"machine", c.machine},
            {"machine_parameters", c.machine_toml},
            {"host", c.host},
            {"libraries", c.libraries},
            {"version", c.version},
            {"date", c.date},
            {"command", c.command},
            {"p99_limit_seconds", c.p99_limit},
            {"fp32_accuracy", or_null(c.float_accuracy)},
            {"headlines", headlines(c.rows)},
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
  for (const Series& s : c.series) json["series"].push_back(to_json(c, s));
  for (const Measurement& m : c.measurements) json["measurements"].push_back(to_json(m));
  return json;
}

std::string page_html(const Comparison& c) {
  Json json = to_json(c);
  // They may be a million; comparison.json has them.
  for (Json& measurement : json["measurements"]) measurement.erase("samples");
  return report::page_with_data(report::kComparisonPage, json);
}

}  // namespace systole::compare
