// Comparison: what was simulated, measured, modelled or published, and the rows that follow from
// it.
//
// A Series is one target with one precision and one setting (threads); a Point of it is one batch
// size. Rows are what a reader sees: one scenario each, with ratios only where rule 6 of
// docs/comparison.md allows them. The report's formats, the summary and the plots read a Comparison
// and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compare/comparison/measurement.h"
#include "compare/model/work.h"
#include "traces/diff.h"

namespace systole::compare {

// Where a number comes from: never mixed unseen.
inline constexpr const char* kSimulated = "simulated";
inline constexpr const char* kMeasured = "measured";
inline constexpr const char* kModelled = "modelled";
inline constexpr const char* kPublished = "published";

// Scenarios, named as MLPerf names them, and what is not a scenario but a reading of one batch
// size.
inline constexpr const char* kSingleStream = "single-stream";
inline constexpr const char* kOffline = "offline";
inline constexpr const char* kServer = "server";
inline constexpr const char* kByBatch = "batch";
inline constexpr const char* kFirst = "first inference";

// Seconds end to end, from host memory to host memory, of one batch alone, or of one more batch of
// those back to back.
struct BatchTime {
  double total = 0.0;   // 0: not known (published)
  double device = 0.0;  // without host and link; 0: not known
  double host = 0.0;    // the host's own steps
};

// A part of a time: by resource of a critical path, by class of the matrix unit, compute or memory.
struct TimePart {
  std::string name;
  double seconds = 0.0;
};

// What a layer takes of a batch.
struct PointLayer {
  std::string name, op;
  double seconds = 0.0;
  std::vector<TimePart> parts = {};  // add up to the seconds; none: not known
  // Of a simulated machine: the first matrix unit's cycles that are booked to the layer, by class.
  std::vector<TimePart> stalls = {};
  // Set by set_layers, from the layers of the model; 0: not known or none.
  double operations = 0.0;
  double bytes = 0.0;  // that the device's memory carries at least
};

// What a batch moves, and for how many multiply-adds an element serves once it is where the
// multipliers take it from: a weight, an activation, a sum before it is put away (0: not known).
struct DataFlow {
  struct Level {
    std::string name;
    double bytes = 0.0;
  };
  std::vector<Level> levels;  // from the host inwards
  double weight_reuse = 0.0, activation_reuse = 0.0, sum_reuse = 0.0;
  std::string how;  // what stays where
};

// One batch size.
struct Point {
  std::int64_t batch = 1;
  BatchTime latency = {};  // one batch alone: simulated from a cold start, measured warmed up
  BatchTime period = {};   // one more batch, back to back; measured: as the latency
  bool cold = false;       // the latency is that of the first inference of all
  std::optional<Interval> interval = {};     // of the period, measured only
  std::optional<double> p90 = {}, p99 = {};  // of single batches; p99 from 1,000 samples on
  std::optional<double> spread = {};         // of the samples, measured only (Measurement::spread)
  bool quick = false;                        // measured for less than rule 5 asks
  // Operations a byte that the device's memory carries; 0: as the model's of the precision.
  double intensity = 0.0;
  // Of the period; of simulated machines whose many batches were not recorded, of one batch alone.
  std::vector<PointLayer> layers = {};
  bool layers_alone = false;
  std::optional<DataFlow> flow = {};     // of what the layers are of
  std::string bound = {};                // what takes most of the period; empty: not known
  std::string bound_alone = {};          // of one batch alone, where that may be another
  std::string why = {}, why_alone = {};  // the same in a sentence, of simulated machines
  std::optional<OutputCheck> check = {};
  // Of simulated machines: a batch of the period, and one alone.
  std::optional<traces::Profile> profile = {}, profile_alone = {};
};

// Responses of the server at a rate of requests.
struct Response {
  double load = 0.0;                       // share of what the largest batch serves
  double rate = 0.0;                       // requests a second
  double p50 = 0.0, p90 = 0.0, p99 = 0.0;  // seconds
};

// The server that was found (server.h): its batch sizes, the rate that it sustains with its p99
// response, the rate that its largest batch serves, and its responses from low load to high.
struct ServerCurve {
  std::vector<std::int64_t> batches;
  double rate = 0.0, p99 = 0.0, capacity = 0.0;
  std::vector<Response> responses;
};

struct Series {
  std::string target, kind, device;  // "tpu:tpu_v1", "simulated", the device in words
  std::string precision;
  int threads = 0;                      // 0: not a matter of threads
  std::string settings;                 // what else was set, in words
  std::optional<double> error_percent;  // of simulated and modelled: against silicon, if known
  std::string error_source;             // and how it is known
  std::optional<double> accuracy;       // share of labelled rows that are right
  double peak = 0.0;                    // operations a second of this precision; 0: not known
  double bandwidth = 0.0;  // bytes a second of the memory that holds the weights; 0: not known
  // Bytes a second of the last cache, and of the host link one way; 0: not known or none.
  double cache_bandwidth = 0.0, link_bandwidth = 0.0;
  bool same_model = true;  // false: figures of another's run, which enter no ratio
  // Of a simulated machine: all its parameters, key and value.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<Point> points;
  ServerCurve server;  // set with the rows; empty: none keeps the limit
};

// What was asked for and cannot be had, with the reason.
struct Absent {
  std::string target, precision, reason;
};

struct Row {
  std::string scenario, target, kind, precision;
  int threads = 0;
  std::int64_t batch = 1;
  bool best = true;  // of the settings of this target and precision (rule 8)
  // Seconds a batch, whatever the scenario; 0: not known. Server: of the largest batch it makes.
  double latency = 0.0, period = 0.0;
  double throughput = 0.0;  // samples a second
  // Seconds. Single-stream: of single batches; server: of the responses.
  std::optional<double> p90, p99;
  double device = 0.0, host = 0.0;  // of the time that the scenario is about
  // What the ratios of its scenario (and batch) and precision are over: a row of the first target.
  bool reference = false;
  std::optional<double> times_faster;  // than the reference, below 1: slower; not of itself
  std::optional<double> peak_percent;  // operations a second, end to end, of the peak
  std::string bound, why;
  // The row's time lies between these shares of it: 0.9 and 1.1. Nothing where nobody knows.
  std::optional<double> low, high;
  std::optional<double> accuracy;
  bool quick = false;
  bool busy = false;  // the computer was: the samples spread beyond kBusySpread
  // Of a simulated machine beside others: the first of them, and the parameters in which this one
  // differs from it: "array.rows 256 -> 128; ...". Empty: there is none, or it is the first.
  // And where the cycles differ: "33,204 -> 29,108 cycles (-12.3 %); layers: fc1 -3,000, ...".
  std::string against, differs, cycles_differ;
  std::optional<double> against_times_faster;  // than the first machine, below 1: slower
};

// Geometric mean of how many times faster a target is than the first, over the batches both have.
struct Mean {
  std::string target, kind, precision;
  double times_faster = 1.0;
  std::int64_t batches = 0;
};

struct Comparison {
  std::string model, model_hash, machine, host, date, command, version;
  std::string machine_toml;  // every parameter of the resolved machine
  std::vector<std::string> libraries;
  std::int64_t macs = 0;        // of one sample
  std::int64_t operations = 0;  // of one sample, as ModelWork counts them
  // Operations per byte of compulsory traffic (weights, inputs and outputs once), by precision and
  // batch.
  std::map<std::string, std::map<std::int64_t, double>> intensities;
  std::map<std::int64_t, ModelWork> work;  // by batch
  double p99_limit = 0.0;                  // seconds, of the server scenario
  std::optional<double> float_accuracy;
  std::vector<std::string> targets;  // as asked for; ratios are over the first that has rows
  std::vector<Series> series;
  std::vector<Absent> absent;
  std::vector<std::string> notes;
  std::vector<Measurement> measurements;
  std::vector<Row> rows;
  std::vector<Mean> means;
  std::vector<std::string> summary;  // one sentence per scenario
};

// The model's operations a byte of memory at a point: its own, or those of its precision; 0: not
// known.
[[nodiscard]] double intensity_of(const Comparison& comparison, const Series& series,
                                  const Point& point);

// The simulated machine that others are compared with: the first that ran; null: there is none.
[[nodiscard]] const Series* first_machine(const Comparison& comparison);
[[nodiscard]] const Point* point_at(const Series& series, std::int64_t batch);

[[nodiscard]] nlohmann::ordered_json to_json(const Row& row);
// Throws InputError naming the key.
[[nodiscard]] Row row_from_json(const nlohmann::ordered_json& json);
[[nodiscard]] nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace systole::compare
