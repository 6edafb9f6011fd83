// What all targets share, and the targets that only compute: modelled, published, files.
#include "compare/targets/targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "compare/model/gpu_error.h"
#include "compare/targets/data_flow.h"

namespace systole::compare {

Series& TargetContext::series(const Series& names) const {
  const auto found = std::ranges::find_if(result.series, [&](const Series& s) {
    return s.target == names.target && s.kind == names.kind && s.precision == names.precision &&
           s.threads == names.threads && s.settings == names.settings;
  });
  if (found != result.series.end()) return *found;
  result.series.push_back(names);
  return result.series.back();
}

void TargetContext::absent(const std::string& target, const std::string& precision,
                           const std::string& reason) const {
  const bool known = std::ranges::any_of(result.absent, [&](const Absent& a) {
    return a.target == target && a.precision == precision && a.reason == reason;
  });
  if (!known) result.absent.push_back({target, precision, reason});
}

void TargetContext::note(const std::string& text) const {
  if (std::ranges::find(result.notes, text) == result.notes.end()) result.notes.push_back(text);
}

bool TargetContext::wants(std::string_view precision) const {
  return std::ranges::find(precisions, precision) != precisions.end();
}

// --- modelled ---

namespace {

void set_bandwidths(const Device& device, Series& series) {
  series.bandwidth = device.memory.dram;
  series.cache_bandwidth = device.memory.cache;
  series.link_bandwidth = device.link;
}

Series names_of(const Device& device, const std::string& precision) {
  Series names;
  names.target = fmt::format("{}:{}", device.family == Family::kGpu ? "gpu" : "cpu", device.name);
  names.kind = kModelled;
  names.device = device.text;
  if (!device.fit_of.empty()) {
    names.device += fmt::format(", fitted figures of {}: nobody measured it", device.fit_of);
  }
  names.precision = precision;
  names.peak = device.peaks.at(precision);
  set_bandwidths(device, names);
  return names;
}

// The layers' kernels: of compute and memory, which overlap, the longer, then what the other adds
// to it, and the launch.
std::vector<PointLayer> layers_of(const ModelWork& work, const ModelTime& time) {
  std::vector<PointLayer> layers;
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    const DeviceTime& one = time.layers[i];
    const bool by_memory = one.memory > one.compute;
    const double longer = std::max(one.memory, one.compute);
    layers.push_back({.name = work.layers[i].name,
                      .op = work.layers[i].op,
                      .seconds = one.total(),
                      .parts = {{by_memory ? "memory" : "compute", longer},
                                {by_memory ? "compute beside it" : "memory beside it",
                                 one.total() - one.launch - longer},
                                {"launch", one.launch}}});
  }
  return layers;
}

// A point of a setting; its series' error is the largest of its points'.
void add_modelled(const TargetContext& context, const Series& names, const Workload& workload,
                  const ModelTime& time) {
  const Device& device = *find_device(names.target.substr(names.target.find(':') + 1));
  Series& series = context.series(names);
  const auto error = model_error_percent(device, names.precision, workload.work(), time);
  const bool first = series.points.empty();
  if (error && (first || series.error_percent)) {
    series.error_percent = std::max(*error, series.error_percent.value_or(0.0));
    series.error_source =
        "90 % of unseen rows of systole validate gpu, by device, precision and kind of layer";
  } else {
    series.error_percent.reset();
    series.error_source.clear();
  }
  series.points.push_back({.batch = workload.batch(),
                           .latency = {time.alone(), time.device},
                           .period = {time.period(), time.device},
                           .layers = layers_of(workload.work(), time),
                           .flow = model_flow(device, names.precision, workload.work(), time),
                           .bound = time.bound,
                           .bound_alone = time.bound_alone});
}

}  // namespace

// Of a GPU with a graph of its kernels, and launched one by one where that takes longer.
void model_target(const TargetContext& context, const Device& device, const Workload& workload) {
  for (const std::string& precision : context.precisions) {
    Series names = names_of(device, precision);
    if (device.peaks.at(precision) <= 0.0) {
      context.absent(names.target, precision, "the device has no such arithmetic");
      continue;
    }
    if (device.family == Family::kCpu) {
      add_modelled(context, names, workload, model_time(device, precision, workload.work()));
      continue;
    }
    const auto timed = [&](const LaunchCost& cost) {
      return model_time(device, precision, workload.work(), cost.seconds);
    };
    const ModelTime graph = timed(kGraphLaunch), stream = timed(kStreamLaunch);
    names.settings = kGraphLaunch.setting;
    add_modelled(context, names, workload, graph);
    if (stream.device <= graph.device) continue;
    names.settings = kStreamLaunch.setting;
    add_modelled(context, names, workload, stream);
  }
}

// --- published ---

namespace {

struct Published {
  const char *target, *model, *precision;
  std::int64_t batch;
  double milliseconds, rate;
  const char* source;
};
constexpr auto kPublishedFigures = std::to_array<Published>({
#define SYSTOLE_PUBLISHED(...) {__VA_ARGS__},
#include "compare/targets/published.def"
});

}  // namespace

std::vector<std::string> published_targets() {
  std::vector<std::string> names;
  for (const Published& p : kPublishedFigures) {
    if (std::ranges::find(names, p.target) == names.end()) names.emplace_back(p.target);
  }
  return names;
}

bool add_published(const TargetContext& context, const std::string& target,
                   const std::string& model) {
  bool known = false, added = false;
  for (const Published& p : kPublishedFigures) {
    if (target != p.target) continue;
    known = true;
    if (model != p.model) continue;
    Series names;
    names.target = target;
    names.kind = kPublished;
    names.device = p.source;
    names.precision = p.precision;
    names.same_model = false;
    const double period = static_cast<double>(p.batch) / p.rate;
    context.series(names).points.push_back(
        {.batch = p.batch, .period = {.total = period}, .p99 = p.milliseconds * 1e-3});
    added = true;
  }
  if (known && !added) context.absent(target, "", "no figures were published for this model");
  return known;
}

// --- measured ---

Point point_of(const Measurement& m) {
  const Interval total = m.end_to_end();
  const std::vector<double> samples = m.totals();
  Point point;
  point.batch = m.batch;
  const double on_device = m.device_only().median;
  point.latency = {total.median, on_device, std::max(0.0, total.median - on_device)};
  point.period = point.latency;
  point.spread = m.spread();
  if (samples.size() >= kLeastForInterval) point.interval = total;
  point.p90 = percentile(samples, 0.9);
  if (samples.size() >= 1'000) point.p99 = percentile(samples, 0.99);
  point.quick = m.quick();
  if (m.check.compared > 0) point.check = m.check;
  double device = 0.0, host = 0.0, link = 0.0;
  for (const LayerTime& layer : m.layers) {
    point.layers.push_back({.name = layer.name,
                            .op = layer.op,
                            .seconds = layer.seconds,
                            .parts = {{layer.on, layer.seconds}}});
    (layer.on == "host" ? host : layer.on == "link" ? link : device) += layer.seconds;
  }
  const auto shares = std::to_array<std::pair<double, const char*>>(
      {{device, "device"}, {host, "host"}, {link, "link"}});
  const auto* const most =
      std::ranges::max_element(shares, {}, &std::pair<double, const char*>::first);
  if (most->first > 0.0) point.bound = most->second;
  return point;
}

namespace {

// What the device's own time goes to: arithmetic at its peak, operands at the memory's bandwidth,
// or, where neither explains a quarter of it, overhead. Empty where peak or bandwidth is not known.
std::string device_bound_of(const Comparison& c, const Series& s, const Point& point) {
  const auto by_precision = c.intensities.find(s.precision);
  if (by_precision == c.intensities.end() || s.peak <= 0.0 || s.bandwidth <= 0.0) return "";
  const auto intensity = by_precision->second.find(point.batch);
  const auto operations = static_cast<double>(c.operations * point.batch);
  if (intensity == by_precision->second.end() || intensity->second <= 0.0) return "";
  const double compute = operations / s.peak;
  const double memory = operations / intensity->second / s.bandwidth;
  if (std::max(compute, memory) < point.period.device / 4.0) return "overhead";
  return compute >= memory ? "compute" : "memory";
}

// One point a batch size: of two measurements of the same setting the faster.
void add_point(const TargetContext& context, const Measurement& m, Series& series) {
  const Comparison& result = context.result;
  Point point = point_of(m);
  // A peak is what was seen at best; the product that stands for it may have met a busy moment.
  const auto operations = static_cast<double>(result.operations * m.batch);
  if (series.peak > 0.0 && point.period.device > 0.0) {
    series.peak = std::max(series.peak, operations / point.period.device);
  }
  if (point.bound == "device") point.bound = device_bound_of(result, series, point);
  const auto same = std::ranges::find(series.points, m.batch, &Point::batch);
  if (same == series.points.end()) {
    series.points.push_back(std::move(point));
    std::ranges::stable_sort(series.points, {}, &Point::batch);
    return;
  }
  context.result.notes.push_back(fmt::format(
      "{} {} was measured twice at batch {} with the same settings: the faster is shown", m.target,
      m.precision, m.batch));
  if (point.period.total < same->period.total) *same = std::move(point);
}

}  // namespace

void add_measurement(const TargetContext& context, Measurement m, Series names) {
  Comparison& result = context.result;
  if (std::ranges::find(result.measurements, m) != result.measurements.end()) return;
  if (m.check.fails()) {
    return context.absent(
        m.target, m.precision,
        fmt::format("batch {}: {} of {} outputs are wrong, by up to {:g}", m.batch,
                    m.check.mismatches, m.check.compared, m.check.max_difference));
  }
  names.target = m.target;
  names.kind = kMeasured;
  names.device = m.device;
  names.precision = m.precision;
  names.threads = m.threads;
  for (const auto& [key, value] : m.settings) {
    names.settings += fmt::format("{}{} {}", names.settings.empty() ? "" : ", ", key, value);
  }
  Series& series = context.series(names);
  if (m.accuracy) series.accuracy = m.accuracy;
  add_point(context, m, series);
  result.measurements.push_back(std::move(m));
}

void require_work(const MeasurementFile& file, const Work& work) {
  if (file.is_folder) return;
  const auto fits = [&](const Measurement& m) { return !difference(m, work); };
  if (std::ranges::any_of(file.measurements, fits)) return;  // what is left out is said in a note
  const std::string found =
      file.measurements.empty() ? "nothing" : *difference(file.measurements.front(), work);
  throw InputError(file.path, "measures " + found, "this model, batch and precision");
}

void add_measurements(const TargetContext& context, const MeasurementFile& file, const Work& work) {
  std::int64_t others = 0;
  for (const Measurement& m : file.measurements) {
    if (difference(m, work)) {
      ++others;
      continue;
    }
    Series names;
    const auto colon = m.target.find(':');
    const Device* device =
        colon == std::string::npos ? nullptr : find_device(m.target.substr(colon + 1));
    if (device != nullptr) {
      names.peak = device->peaks.at(m.precision);
      set_bandwidths(*device, names);
    }
    add_measurement(context, m, names);
  }
  if (others > 0) {
    context.result.notes.push_back(
        fmt::format("{}: {} of other models, batches or precisions left out", file.path,
                    others == 1 ? "1 measurement" : fmt::format("{} measurements", others)));
  }
}

}  // namespace systole::compare
