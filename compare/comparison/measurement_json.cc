// Measurement files: what measurement.h keeps, as JSON and back. A reader trusts nothing: every key
// must be there with its type, and medians are computed again from the samples.
#include <fmt/chrono.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_text.h"
#include "compare/comparison/measurement.h"

namespace systole::compare {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "systole.measurement/2";
constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;    // exact in every JSON reader
constexpr std::int64_t kMostBatch = std::int64_t{1} << 24;    // as commands take them
constexpr std::int64_t kMostThreads = std::int64_t{1} << 20;  // of one computer
constexpr double kMostSeconds = 1e9;                          // thirty years, for one sample

Json to_json(const LayerTime& layer) {
  return {{"name", layer.name},
          {"operator", layer.op},
          {"kernel", layer.kernel},
          {"on", layer.on},
          {"seconds", layer.seconds}};
}

// One object being read; every error names the file and the key.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json_.is_object()) throw InputError(where_, "is no JSON object", "a measurement");
  }

  [[nodiscard]] const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) throw InputError(where_, fmt::format("has no '{}'", key), kSchema);
    return *found;
  }
  [[nodiscard]] Reader object(const char* key) const {
    return {at(key), fmt::format("{}: {}", where_, key)};
  }
  [[nodiscard]] std::string text(const char* key) const {
    return typed<std::string>(key, at(key).is_string(), "text");
  }
  [[nodiscard]] std::int64_t count(const char* key, std::int64_t least, std::int64_t most) const {
    const Json& value = at(key);  // beyond 2^63, the library says unsigned
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= kMostCount) &&
                      value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
    return typed<std::int64_t>(key, fits, fmt::format("a whole number, {} to {}", least, most));
  }
  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    const bool all = at(key).is_array() &&
                     std::ranges::all_of(at(key), [](const Json& j) { return j.is_string(); });
    return typed<std::vector<std::string>>(key, all, "a list of text");
  }
  [[nodiscard]] std::map<std::string, std::string> settings(const char* key) const {
    const bool all = at(key).is_object() &&
                     std::ranges::all_of(at(key), [](const Json& j) { return j.is_string(); });
    return typed<std::map<std::string, std::string>>(key, all, "an object of text");
  }
  [[nodiscard]] double seconds(const char* key) const { return checked_seconds(key, at(key)); }
  [[nodiscard]] std::vector<double> all_seconds(const char* key) const {
    if (!at(key).is_array() || at(key).empty()) refuse(key, "a list of seconds");
    std::vector<double> values;
    for (const Json& value : at(key)) values.push_back(checked_seconds(key, value));
    return values;
  }
  [[nodiscard]] std::optional<double> optional_number(const char* key) const {
    if (at(key).is_null()) return std::nullopt;
    return typed<double>(key, at(key).is_number(), "a number or null");
  }
  [[nodiscard]] std::optional<double> optional_share(const char* key) const {
    const std::optional<double> share = optional_number(key);
    if (share && !(*share >= 0.0 && *share <= 1.0)) refuse(key, "0 to 1, or null");
    return share;
  }
  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    throw InputError(where_, fmt::format("'{}' is {}", key, shortened(at(key).dump())), expected);
  }

 private:
  static std::string shortened(std::string text) {
    constexpr std::size_t kMost = 60;
    if (text.size() > kMost) text = text.substr(0, kMost) + "...";
    return text;
  }
  [[nodiscard]] double checked_seconds(const char* key, const Json& value) const {
    const double seconds = value.is_number() ? value.get<double>() : -1.0;
    if (!(seconds >= 0.0 && seconds <= kMostSeconds)) {
      refuse(key, fmt::format("seconds, 0 to {:g}", kMostSeconds));
    }
    return seconds;
  }
  template <typename T>
  [[nodiscard]] T typed(const char* key, bool fits, const std::string& expected) const {
    if (!fits) refuse(key, expected);
    return at(key).get<T>();
  }

  const Json& json_;
  std::string where_;
};

std::vector<Sample> read_samples(const Reader& in) {
  const std::vector<double> total = in.all_seconds("end_to_end_seconds");
  const std::vector<double> device = in.all_seconds("device_seconds");
  if (device.size() != total.size()) in.refuse("device_seconds", "as many as end to end");
  if (std::ranges::find(total, 0.0) != total.end()) in.refuse("end_to_end_seconds", "more than 0");
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < total.size(); ++i) {
    // The device's is a sum of layers, so it may be more by a rounding.
    if (device[i] > total[i] * (1.0 + 1e-9)) in.refuse("device_seconds", "no more than end to end");
    samples.push_back({total[i], device[i]});
  }
  return samples;
}

OutputCheck read_check(const Reader& in) {
  OutputCheck check;
  check.reference = in.text("reference");
  check.metric = in.text("metric");
  check.compared = in.count("compared", 0, kMostCount);
  check.mismatches = in.count("mismatches", 0, kMostCount);
  if (check.mismatches > check.compared) in.refuse("mismatches", "no more than were compared");
  const auto infinite = std::numeric_limits<double>::infinity();
  check.max_difference = in.optional_number("max_difference").value_or(infinite);
  if (!(check.max_difference >= 0.0)) in.refuse("max_difference", "0 or more, or null");
  return check;
}

// A simulated machine or another's figures are nothing that was measured.
std::string read_target(const Reader& in) {
  std::string target = in.text("target");
  const auto name = target.find(':') + 1;
  const bool measured = target.starts_with("cpu:") || target.starts_with("gpu:");
  if (!measured || name == target.size()) in.refuse("target", "cpu:NAME or gpu:NAME");
  return target;
}

std::vector<LayerTime> read_layers(const Reader& in, const std::string& where) {
  if (!in.at("layers").is_array()) in.refuse("layers", "a list");
  std::vector<LayerTime> layers;
  for (const Json& json : in.at("layers")) {
    const Reader layer(json, where + ": layers");
    layers.push_back({layer.text("name"), layer.text("operator"), layer.text("kernel"),
                      layer.text("on"), layer.seconds("seconds")});
  }
  return layers;
}

std::vector<fs::path> json_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (error) throw InputError(folder, "cannot be listed: " + error.message(), "a folder");
  std::ranges::sort(files);
  return files;
}

void read_into(std::vector<Measurement>& all, const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxFileBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Json json = parse_json(text, path, "a measurement file");
  if (!json.is_array()) return all.push_back(measurement_from_json(json, path));
  for (const Json& one : json) all.push_back(measurement_from_json(one, path));
}

}  // namespace

Json to_json(const OutputCheck& check) {
  return {{"reference", check.reference},
          {"metric", check.metric},
          {"compared", check.compared},
          {"mismatches", check.mismatches},
          {"max_difference", check.max_difference}};  // infinity becomes null
}

Json to_json(const Interval& interval) {
  return {{"low", interval.low}, {"median", interval.median}, {"high", interval.high}};
}

Json to_json(const Measurement& m) {
  Json totals = Json::array(), devices = Json::array(), layers = Json::array();
  for (const Sample& sample : m.samples) {
    totals.push_back(sample.total);
    devices.push_back(sample.device);
  }
  for (const LayerTime& layer : m.layers) layers.push_back(to_json(layer));
  return {{"schema", kSchema},
          {"kind", "measured"},
          {"target", m.target},
          {"device", m.device},
          {"driver", m.driver},
          {"libraries", m.libraries},
          {"settings", m.settings},
          {"model", m.model},
          {"model_hash", m.model_hash},
          {"batch", m.batch},
          {"precision", m.precision},
          {"threads", m.threads},
          {"date", m.date},
          {"command", m.command},
          {"warm_ups", m.warm_ups},
          {"end_to_end_seconds", to_json(m.end_to_end())},
          {"device_seconds", to_json(m.device_only())},
          {"layers", std::move(layers)},
          {"output_check", to_json(m.check)},
          {"accuracy", m.accuracy ? Json(*m.accuracy) : Json(nullptr)},
          {"samples",
           {{"end_to_end_seconds", std::move(totals)}, {"device_seconds", std::move(devices)}}}};
}

Measurement measurement_from_json(const Json& json, const std::string& where) {
  const Reader in(json, where);
  if (in.text("schema") != kSchema) in.refuse("schema", kSchema);
  if (in.text("kind") != "measured") in.refuse("kind", "measured");
  Measurement m;
  m.target = read_target(in);
  m.device = in.text("device");
  m.driver = in.text("driver");
  m.libraries = in.texts("libraries");
  m.settings = in.settings("settings");
  m.model = in.text("model");
  m.model_hash = in.text("model_hash");
  m.batch = in.count("batch", 1, kMostBatch);
  m.precision = in.text("precision");
  m.threads = static_cast<int>(in.count("threads", 0, kMostThreads));
  m.date = in.text("date");
  m.command = in.text("command");
  m.warm_ups = in.count("warm_ups", 0, kMostCount);
  m.samples = read_samples(in.object("samples"));
  m.layers = read_layers(in, where);
  m.check = read_check(in.object("output_check"));
  m.accuracy = in.optional_share("accuracy");
  return m;
}

std::vector<Measurement> read_measurements(const std::string& path) {
  std::vector<Measurement> all;
  if (fs::is_directory(path)) {
    for (const fs::path& file : json_files(path)) read_into(all, file.string());
    if (all.empty()) {
      throw InputError(path, "is a folder without measurements",
                       "one with .json files that `systole measure` wrote");
    }
  } else {
    read_into(all, path);
  }
  return all;
}

MeasurementFile open_measurements(const std::string& path) {
  return {path, fs::is_directory(path), read_measurements(path)};
}

std::optional<std::string> difference(const Measurement& m, const Work& work) {
  const bool same =
      m.model_hash == work.model_hash && (!m.model_hash.empty() || m.model == work.model);
  if (!same) {
    return fmt::format("model {} ({}), not {} ({})", m.model, m.model_hash, work.model,
                       work.model_hash);
  }
  if (std::ranges::find(work.batches, m.batch) == work.batches.end()) {
    return fmt::format("batch {}, not {}", m.batch, fmt::join(work.batches, ", "));
  }
  if (std::ranges::find(work.precisions, m.precision) == work.precisions.end()) {
    return fmt::format("precision {}, not {}", m.precision, fmt::join(work.precisions, ", "));
  }
  return std::nullopt;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

std::string kernel_name() {
  utsname name{};
  if (uname(&name) != 0) return "unknown kernel";
  return fmt::format("{} {}", name.sysname, name.release);
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace systole::compare
