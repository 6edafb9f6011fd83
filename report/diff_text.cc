// See diff_text.h.
#include "report/diff_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clean.h"
#include "base/page.h"
#include "report/summary.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using traces::Part;
using traces::PartChange;
using traces::Profile;

constexpr std::size_t kNameWidth = 20;
constexpr std::size_t kMostRows = 8;    // of a table
constexpr std::size_t kMostTold = 2;    // of a division in a line
constexpr std::size_t kLastWidth = 17;  // of what stands behind a row's figures

std::string signed_count(std::int64_t value) {
  const char* sign = value > 0 ? "+" : value < 0 ? "-" : "";
  return sign + grouped(std::abs(value));
}

// Where there is no room for all digits: "-571k".
std::string short_count(std::int64_t value) {
  const auto size = static_cast<double>(value);
  return std::abs(size) < 1e6 ? fmt::format("{:+.0f}k", size / 1e3)
                              : fmt::format("{:+.3g}M", size / 1e6);
}

// "5 cycles more", "5 cycles fewer".
std::string more_or_less(const std::string& amount, double change, const char* less) {
  return fmt::format("{} {}", amount, change >= 0 ? "more" : less);
}

std::string signed_percent(double a, double b) {
  if (a == 0.0) return b == 0.0 ? "+0.0 %" : "new";
  return fmt::format("{:+.1f} %", 100.0 * (b - a) / a);
}

std::string signed_time(double seconds) {
  return fmt::format("{}{}s", seconds < 0.0 ? "-" : "+", with_prefix(std::abs(seconds)));
}

double seconds_of(const Profile& profile, std::int64_t cycles) {
  return static_cast<double>(cycles) / static_cast<double>(profile.clock_hertz);
}

std::string run_lines(const char* name, const Profile& p) {
  std::string text =
      wrapped(fmt::format("{}: {} on {}", name, clean(p.model), clean(p.machine)), 0, 3);
  text += fmt::format("\n   {} cycles = {}s", grouped(p.cycles), with_prefix(p.seconds));
  if (p.total_seconds != p.seconds) {
    text += fmt::format("; with the host {}s", with_prefix(p.total_seconds));
  }
  return text + fmt::format("; {} instructions\n", grouped(p.instructions));
}

std::string verdict(const DiffView& v) {
  const double a = v.a.total_seconds, b = v.b.total_seconds;
  const std::int64_t cycles = v.b.cycles - v.a.cycles;
  const auto time = [](double from, double to) {
    return fmt::format("{} ({})",
                       more_or_less(with_prefix(std::abs(to - from)) + "s", to - from, "less"),
                       signed_percent(from, to));
  };
  std::string text = fmt::format(
      "B takes {} ({}) and {}",
      more_or_less(grouped(std::abs(cycles)) + " cycles", static_cast<double>(cycles), "fewer"),
      signed_percent(static_cast<double>(v.a.cycles), static_cast<double>(v.b.cycles)),
      time(v.a.seconds, v.b.seconds));
  if (a != v.a.seconds || b != v.b.seconds) text += ", with the host " + time(a, b);
  if (a == b) {
    text += ": as fast as A";
  } else if (a > 0.0 && b > 0.0) {
    text += fmt::format(": {:.2f} times {} than A", std::max(a, b) / std::min(a, b),
                        b < a ? "faster" : "slower");
  }
  const bool same = v.a.program_hash == v.b.program_hash;
  return wrapped(text, 0, 2) + "\n" +
         (same ? "Both execute the same program.\n" : "They execute different programs.\n");
}

std::string row_text(const std::string& name, const PartChange& part, const std::string& last) {
  const std::string text =
      fmt::format("  {:<{}}{:>12} {:>12} {:>12}  {}", clean(name, kNameWidth - 1), kNameWidth,
                  grouped(part.a), grouped(part.b), signed_count(part.change()), last);
  return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
}

struct TableText {
  std::string heading;
  const std::vector<PartChange>& parts;
  bool cycles = true;  // or bytes
};

std::string table(const DiffView& v, const TableText& of, bool all) {
  if (of.parts.empty()) return {};
  const bool times = of.cycles && v.a.clock_hertz != v.b.clock_hertz;
  const auto last = [&](const PartChange& part) -> std::string {
    if (times) return signed_time(seconds_of(v.b, part.b) - seconds_of(v.a, part.a));
    if (part.by_resource.empty()) return {};
    const Part& most = part.by_resource.front();
    const std::string exact = fmt::format("{} {}", most.name, signed_count(most.amount));
    if (exact.size() <= kLastWidth) return clean(exact, kLastWidth);
    return clean(fmt::format("{} {}", most.name, short_count(most.amount)), kLastWidth);
  };
  std::string text =
      fmt::format("\n  {:<{}}{:>12} {:>12} {:>12}\n", of.heading, kNameWidth, "A", "B", "change");
  const auto same = [&](const PartChange& part) { return !times && part.change() == 0; };
  const auto first_same = std::ranges::find_if(of.parts, same);  // what changes stands before it
  std::size_t shown = std::min(kMostRows, static_cast<std::size_t>(first_same - of.parts.begin()));
  if (all || shown + 1 >= of.parts.size()) shown = of.parts.size();  // no sum of a single row
  const bool unchanged = shown < of.parts.size() && same(of.parts[shown]);
  PartChange others{"", 0, 0, {}}, sum{"", 0, 0, {}};
  for (std::size_t i = 0; i < of.parts.size(); ++i) {
    const PartChange& part = of.parts[i];
    sum.a += part.a;
    sum.b += part.b;
    if (i < shown) {
      text += row_text(part.name, part, last(part));
    } else {
      others.a += part.a;
      others.b += part.b;
    }
  }
  if (shown < of.parts.size()) {
    const char* which = unchanged ? "unchanged" : "others";
    text += row_text(fmt::format("({} {})", of.parts.size() - shown, which), others, last(others));
  }
  return of.cycles ? text + row_text("all", sum, last(sum)) : text;
}

std::string parameter_rows(const std::vector<traces::ParameterChange>& parameters) {
  std::size_t key = 0, value = 1;
  for (const traces::ParameterChange& p : parameters) {
    key = std::max(key, p.key.size());
    value = std::max({value, p.a.size(), p.b.size()});
  }
  std::string text = fmt::format("  {:<{}}  {:>{}}  {:>{}}\n", "parameter",
                                 std::max<std::size_t>(key, 9), "A", value, "B", value);
  for (const traces::ParameterChange& p : parameters) {
    text += fmt::format("  {:<{}}  {:>{}}  {:>{}}\n", p.key, std::max<std::size_t>(key, 9), p.a,
                        value, p.b, value);
  }
  return text;
}

Json run_json(const Profile& p) {
  return {{"model", p.model},
          {"machine", p.machine},
          {"clock_hertz", p.clock_hertz},
          {"cycles", p.cycles},
          {"seconds", p.seconds},
          {"total_seconds", p.total_seconds},
          {"instructions", p.instructions},
          {"program_hash", p.program_hash}};
}

Json parts_json(const DiffView& v, const std::vector<PartChange>& parts, bool cycles) {
  Json list = Json::array();
  for (const PartChange& part : parts) {
    Json json{{"name", part.name}, {"a", part.a}, {"b", part.b}, {"change", part.change()}};
    if (cycles) json["change_seconds"] = seconds_of(v.b, part.b) - seconds_of(v.a, part.a);
    list.push_back(std::move(json));
  }
  return list;
}

Json layers_json(const DiffView& v) {
  Json list = parts_json(v, v.diff.layers, true);
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json path = Json::array();
    for (const Part& part : v.diff.layers[i].by_resource) {
      path.push_back({{"resource", part.name}, {"change", part.amount}});
    }
    list[i]["path"] = std::move(path);
  }
  return list;
}

// "layers fc1 -3,000, fc2 +20", or nothing where none changes.
std::string told(const char* what, const std::vector<PartChange>& parts) {
  std::vector<std::string> texts;
  for (const PartChange& part : parts) {
    if (part.change() == 0 || texts.size() == kMostTold) continue;
    texts.push_back(fmt::format("{} {}", part.name, signed_count(part.change())));
  }
  return texts.empty() ? "" : fmt::format("; {}: {}", what, fmt::join(texts, ", "));
}

}  // namespace

std::string diff_text(const DiffView& v, bool all) {
  std::string text = run_lines("A", v.a) + run_lines("B", v.b) + "\n" + verdict(v);
  if (!v.diff.parameters.empty()) text += "\n" + parameter_rows(v.diff.parameters);
  const TableText tables[] = {{"layer (path)", v.diff.layers},
                              {"resource (path)", v.diff.path},
                              {"matrix unit", v.diff.matrix},
                              {"bytes", v.diff.bytes, false}};
  for (const TableText& of : tables) text += table(v, of, all);
  return text;
}

Json diff_json(const DiffView& v) {
  const bool known = !v.a.program_hash.empty() && !v.b.program_hash.empty();
  const double b = v.b.total_seconds;
  return {{"a", run_json(v.a)},
          {"b", run_json(v.b)},
          {"change_cycles", v.b.cycles - v.a.cycles},
          {"change_seconds", v.b.seconds - v.a.seconds},
          {"change_total_seconds", v.b.total_seconds - v.a.total_seconds},
          {"speed_up", b > 0.0 ? Json(v.a.total_seconds / b) : Json(nullptr)},
          {"same_program", known ? Json(v.a.program_hash == v.b.program_hash) : Json(nullptr)},
          {"parameters", parameters_json(v.diff.parameters)},
          {"layers", layers_json(v)},
          {"path", parts_json(v, v.diff.path, true)},
          {"matrix", parts_json(v, v.diff.matrix, true)},
          {"bytes", parts_json(v, v.diff.bytes, false)}};
}

std::string parameters_text(const MachineNames& machines,
                            const std::vector<traces::ParameterChange>& parameters) {
  std::string text = wrapped("A: " + clean(machines.a), 0, 3) + "\n" +
                     wrapped("B: " + clean(machines.b), 0, 3) + "\n\n";
  return text + (parameters.empty() ? "Equal in every parameter.\n" : parameter_rows(parameters));
}

Json parameters_json(const std::vector<traces::ParameterChange>& parameters) {
  Json list = Json::array();
  for (const traces::ParameterChange& p : parameters) {
    list.push_back({{"key", p.key}, {"a", p.a}, {"b", p.b}});
  }
  return list;
}

std::string diff_line(const DiffView& v) {
  return fmt::format(
      "{} -> {} cycles ({}){}{}{}", grouped(v.a.cycles), grouped(v.b.cycles),
      signed_percent(static_cast<double>(v.a.cycles), static_cast<double>(v.b.cycles)),
      told("layers", v.diff.layers), told("path", v.diff.path), told("matrix unit", v.diff.matrix));
}

}  // namespace systole::report
