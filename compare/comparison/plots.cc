// The report's files: texts, and plots drawn by gnuplot from the same rows.
#include <fmt/core.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clean.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/temporary_file.h"
#include "compare/comparison/compare.h"

namespace systole::compare {
namespace {

constexpr const char* kHead =
    "set terminal svg noenhanced size 900,{} font 'sans,13' background 'white'\n"
    "set logscale xy\nset grid\nset key below left Left reverse maxcols 2\n"
    "set format xy '%.0s%c'\n";                      // 10k, 1M, 100u
constexpr std::size_t kHeight = 600, kKeyLine = 18;  // of a plot without its key, and of two keys

// Further settings are told where two series are alike without them.
std::string label_of(const Comparison& c, const Series& s) {
  const auto alike = [&](const Series& o) {
    return o.target == s.target && o.precision == s.precision && o.threads == s.threads &&
           o.kind == s.kind;
  };
  std::string label = fmt::format("{} {}", s.target, s.precision);
  if (s.threads > 0) label += fmt::format("/{}", s.threads);
  label += ", " + s.kind;
  return std::ranges::count_if(c.series, alike) > 1 ? label + ", " + s.settings : label;
}

// What tells series apart: the colour its target, the dashes its precision, the points everything
// that was set.
class Looks {
 public:
  struct Look {
    std::string_view colour;
    std::size_t dashes, points;  // of gnuplot's
    [[nodiscard]] std::string lines() const { return fmt::format("dt {}", dashes); }
    [[nodiscard]] std::string marks() const { return fmt::format("pt {} ps 0.6", points); }
    [[nodiscard]] std::string ink() const { return fmt::format("lc rgb '{}'", colour); }
  };
  Look of(const Series& s) {
    static constexpr std::array<std::string_view, 12> kColours = {
        "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b",
        "#e377c2", "#17becf", "#7f7f7f", "#bcbd22", "#000080", "#006400"};
    // Filled ones, then hollow ones, then strokes: all that gnuplot has.
    static constexpr std::array<std::size_t, 15> kPoints = {7, 5,  9,  11, 13, 15, 6, 4,
                                                            8, 10, 12, 14, 1,  2,  3};
    const std::string setting =
        fmt::format("{}/{}/{}/{}", s.precision, s.threads, s.kind, s.settings);
    return {kColours.at(index_of(targets_, s.target) % kColours.size()),
            index_of(precisions_, s.precision) + 1,
            kPoints.at(index_of(settings_, setting) % kPoints.size())};
  }

 private:
  static std::size_t index_of(std::vector<std::string>& known, const std::string& name) {
    const auto found = std::ranges::find(known, name);
    const auto index = static_cast<std::size_t>(found - known.begin());
    if (found == known.end()) known.push_back(name);
    return index;
  }
  std::vector<std::string> targets_, precisions_, settings_;
};

// Labels at 1, 2 and 5 of each decade between the values of an axis; where they span many decades,
// gnuplot's own at each of them.
std::string tics(char axis, double least, double most) {
  constexpr double kManyDecades = 1e4;
  if (!(least > 0.0) || most / least > kManyDecades) return {};
  std::string list;
  for (double decade = std::pow(10.0, std::floor(std::log10(least))); decade <= 10.0 * most;
       decade *= 10.0) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      list += fmt::format("{}{:.9g}", list.empty() ? "" : ", ", digit * decade);
    }
  }
  return fmt::format("set {}tics ({})\n", axis, list);
}

// A named block of lines "x y", and the plots that use it.
struct Plot {
  std::string blocks;
  std::vector<std::string> curves;
  std::size_t keys = 0;

  void add(const std::vector<std::pair<double, double>>& points, const std::string& style) {
    const std::string name = fmt::format("$d{}", curves.size());
    blocks += name + " << EOD\n";
    for (const auto& [x, y] : points) blocks += fmt::format("{:.9g} {:.9g}\n", x, y);
    blocks += "EOD\n";
    curves.push_back(fmt::format("{} with {} notitle", name, style));
  }
  void add_key(const std::string& style, const std::string& title) {
    curves.push_back(fmt::format("keyentry with {} title {}", style, gnuplot_string(title)));
    ++keys;
  }
  [[nodiscard]] std::string script(const std::string& settings) const {
    const std::size_t height = kHeight + (keys + 1) / 2 * kKeyLine;
    std::string text = fmt::format(fmt::runtime(kHead), height) + settings + blocks + "plot ";
    for (std::size_t i = 0; i < curves.size(); ++i) text += (i > 0 ? ", \\\n " : "") + curves[i];
    return text + "\n";
  }
};

// Operations a second against operations a byte: each series' roof as a line, its batches as
// points.
std::string roofline(const Comparison& c) {
  Plot plot;
  double least = 1.0, most = 1e4;
  for (const auto& [precision, by_batch] : c.intensities) {
    for (const auto& [batch, intensity] : by_batch) {
      if (intensity <= 0.0) continue;
      least = std::min(least, intensity / 2.0);
      most = std::max(most, intensity * 2.0);
    }
  }
  for (const Series& s : c.series) {
    for (const Point& p : s.points) most = std::max(most, p.intensity * 2.0);
  }
  Looks looks;
  for (const Series& s : c.series) {
    if (s.peak <= 0.0 || s.bandwidth <= 0.0) continue;
    const Looks::Look look = looks.of(s);
    const double ridge = s.peak / s.bandwidth;
    const double from = std::min(least, ridge / 2.0), to = std::max(most, ridge * 2.0);
    plot.add({{from, from * s.bandwidth}, {ridge, s.peak}, {to, s.peak}},
             fmt::format("lines {} {}", look.ink(), look.lines()));
    std::vector<std::pair<double, double>> points;
    for (const Point& p : s.points) {
      const double intensity = intensity_of(c, s, p);
      const auto operations = static_cast<double>(c.operations * p.batch) / p.period.total;
      if (operations > 0.0 && intensity > 0.0) points.emplace_back(intensity, operations);
    }
    const std::string marks = fmt::format("points {} {}", look.marks(), look.ink());
    if (!points.empty()) plot.add(points, marks);
    plot.add_key(fmt::format("lines{} {}", marks, look.lines()), label_of(c, s));
  }
  if (plot.curves.empty()) return {};
  return plot.script(
      fmt::format("set title {}\nset xlabel 'operations per byte of memory traffic'\n"
                  "set ylabel 'operations a second, end to end'\n",
                  gnuplot_string(c.model + ": rooflines")));
}

// Latency against throughput, a point a batch size.
std::string latency_throughput(const Comparison& c) {
  Plot plot;
  Looks looks;
  std::vector<double> rates, latencies;
  for (const Series& s : c.series) {
    std::vector<std::pair<double, double>> points;
    for (const Point& p : s.points) {
      if (p.latency.total <= 0.0) continue;  // a published rate without a time
      points.emplace_back(static_cast<double>(p.batch) / p.period.total, p.latency.total);
      rates.push_back(points.back().first);
      latencies.push_back(p.latency.total);
    }
    if (points.empty()) continue;
    const Looks::Look look = looks.of(s);
    const std::string style =
        fmt::format("linespoints {} {} {}", look.marks(), look.ink(), look.lines());
    plot.add(points, style);
    plot.add_key(style, label_of(c, s));
  }
  if (plot.curves.empty()) return {};
  const auto [slowest, fastest] = std::ranges::minmax(rates);
  const auto [shortest, longest] = std::ranges::minmax(latencies);
  return plot.script(fmt::format(
      "set title {}\nset xlabel 'samples a second, back to back'\n"
      "set ylabel 'seconds, one batch alone'\nset yrange [{:.9g}:{:.9g}]\n{}{}",
      gnuplot_string(c.model + ": latency and throughput by batch size"), shortest / 1.3,
      longest * 1.3, tics('x', slowest, fastest), tics('y', shortest, longest)));
}

// What gnuplot draws, or nothing if it is not there or draws nothing.
std::optional<std::string> drawn(const std::string& script) {
  const TemporaryFile file(".gp");
  write_file(file.path(), script);
  const std::string command = fmt::format("gnuplot {} 2>/dev/null", shell_argument(file.path()));
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string svg;
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) svg.append(buffer, n);
  const bool done = pclose(pipe) == 0 && svg.find("</svg>") != std::string::npos;
  return done ? std::optional(svg) : std::nullopt;
}

}  // namespace

Report report(const Comparison& c) {
  Report report;
  std::vector<std::string> plots;
  for (const auto& [name, script] :
       {std::pair<std::string, std::string>{"roofline.svg", roofline(c)},
        {"latency_throughput.svg", latency_throughput(c)}}) {
    auto svg = script.empty() ? std::nullopt : drawn(script);
    if (!svg) continue;
    report.files[name] = std::move(*svg);
    plots.push_back(name);
  }
  report.files["comparison.json"] = json_text(to_json(c));
  report.files["comparison.csv"] = csv_text(c);
  report.files["comparison.md"] = markdown_text(c, plots);
  report.files["report.html"] = page_html(c);
  if (plots.empty()) report.missing = "no plots: gnuplot is not installed (Debian: gnuplot-nox)";
  return report;
}

}  // namespace systole::compare
