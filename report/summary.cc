// Layout of the summary. The percentages of the stall table add up to 100.0.
#include "report/summary.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/clean.h"
#include "base/page.h"
#include "isa/machine.h"

namespace systole::report {
namespace {

constexpr std::size_t kNameWidth = 24;
constexpr std::size_t kKindWidth = 10;  // at most
constexpr std::size_t kTopLayers = 3;

// 1234567 -> "1,234,567"
std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

// A figure with three or four digits and a prefix: 0.00123 -> "1.23 m".
std::string with_prefix(double value) {
  struct Prefix {
    double factor;
    const char* text;
  };
  constexpr Prefix kPrefixes[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},
                                  {1.0, ""},   {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}};
  for (const Prefix& p : kPrefixes) {
    if (value >= p.factor) return fmt::format("{:.3g} {}", value / p.factor, p.text);
  }
  return fmt::format("{:.3g} ", value);
}

std::string line(const std::string& name, const std::string& text) {
  const std::string head = fmt::format("  {:<12}", name);
  return head + wrapped(text, head.size(), head.size()) + "\n";
}

std::string title(const Record& record) {
  const isa::Machine& m = record.machine;
  std::string text =
      fmt::format("{} on {} ({} x {}, {:g} MHz): ", clean(record.model), clean(m.name), m.r(),
                  m.c(), static_cast<double>(m.clock_hertz) / 1e6);
  text += record.batches == 1
              ? fmt::format("1 batch of {}", grouped(record.batch))
              : fmt::format("{} batches of {}", grouped(record.batches), grouped(record.batch));
  if (record.timing_only) text += ", timing only";
  return wrapped(text, 0, 2) + "\n";
}

std::string accuracy_line(const Record& record) {
  if (!record.accuracy) return {};
  const auto text = [](const Accuracy& a) {
    return fmt::format("{:.2f} % ({} of {})", a.percent(), grouped(a.correct), grouped(a.total));
  };
  std::string both = text(*record.accuracy);
  if (record.float_accuracy) both += "; in float32 " + text(*record.float_accuracy);
  return line("accuracy", both);
}

std::string speed_lines(const Record& record) {
  const Figures f = figures(record);
  const std::int64_t cycles = record.report.total.cycles.value;
  std::string text;
  text += line("time", fmt::format("{} cycles = {}s; with the host {}s, {}rows/s", grouped(cycles),
                                   with_prefix(f.seconds), with_prefix(f.total_seconds),
                                   f.rows_per_second < 1.0  // m would be read as mega
                                       ? fmt::format("{:.3g} ", f.rows_per_second)
                                       : with_prefix(f.rows_per_second)));
  if (f.tops == 0.0) return text + line("array", "idle, as there is nothing to multiply");
  text += line("speed", fmt::format("{:.3g} TOPS, {:.1f} % of the peak of {:.3g}", f.tops,
                                    100.0 * f.tops / f.peak_tops, f.peak_tops));
  text += line("array", fmt::format("active {:.1f} % of cycles, {:.1f} % of it used: "
                                    "MAC utilisation {:.1f} %",
                                    100.0 * f.array_active, 100.0 * f.mapping_efficiency,
                                    100.0 * f.mac_utilization));
  return text;
}

std::string bound_lines(const Record& record) {
  const Bound bound = bound_by(record);
  std::string text = line("bound by", fmt::format("{}: {:.1f} % of the time {}", bound.name,
                                                  100.0 * bound.share, bound.text));
  if (bound.name == "host") {
    const Bound device = device_bound_by(record);
    text += line("", fmt::format("the device by {}: {:.1f} % of its time {}", device.name,
                                 100.0 * device.share, device.text));
  }
  return text;
}

// Host steps of one name and operation are one line.
std::string host_lines(const Record& record) {
  std::map<std::pair<std::string, std::string>, double> seconds;
  for (const sim::HostReport& step : record.report.host) {
    seconds[{step.op, step.name}] += step.seconds;
  }
  std::string text;
  for (const auto& [key, value] : seconds) {
    text += line(text.empty() ? "on the host" : "",
                 fmt::format("{} {}: {}s (priced)", clean(key.first), clean(key.second, kNameWidth),
                             with_prefix(value)));
  }
  return text;
}

// One row of a table: name, cycles, percent in tenths.
std::string row(const std::string& name, std::int64_t cycles, std::int64_t tenths) {
  return fmt::format("  {:<14}{:>14} {:>3}.{} %", name, grouped(cycles), tenths / 10, tenths % 10);
}

// The stall table in two columns, read downwards.
std::string stall_table(const Record& record) {
  std::vector<std::int64_t> cycles;
  for (const CycleCount c : record.report.total.matrix) cycles.push_back(c.value);
  const std::vector<std::int64_t> shares = tenths_of_percent(cycles);
  const std::size_t half = (sim::kStallCount + 1) / 2;
  const std::int64_t units = record.machine.array_units;
  std::string text =
      units == 1
          ? "Cycles of the matrix unit, each in one class:\n"
          : fmt::format("Cycles of the {} matrix units together, each in one class:\n", units);
  const auto cell = [&](std::size_t i) {
    return row(std::string(sim::stall_name(static_cast<sim::Stall>(i))), cycles[i], shares[i]);
  };
  for (std::size_t i = 0; i < half; ++i) {
    text += cell(i);
    if (i + half < sim::kStallCount) text += "   " + cell(i + half);
    text += "\n";
  }
  return text;
}

// The class other than active that took most of a layer's cycles.
std::string main_stall(const sim::Counters& counters) {
  const auto* const largest =
      std::max_element(std::next(counters.matrix.begin()), counters.matrix.end());
  if (largest->value == 0) return "";
  const auto stall = static_cast<sim::Stall>(largest - counters.matrix.begin());
  return fmt::format("most: {}", sim::stall_name(stall));
}

std::string layer_table(const Record& record, bool all_layers) {
  std::vector<const sim::LayerReport*> layers;
  for (const sim::LayerReport& layer : record.report.layers) {
    if (all_layers || layer.counters.cycles.value > 0) layers.push_back(&layer);
  }
  std::string text = "Layers (most: the class that most of their other cycles are in):\n";
  if (!all_layers) {
    std::stable_sort(layers.begin(), layers.end(), [](const auto* a, const auto* b) {
      return a->counters.cycles > b->counters.cycles;
    });
    const std::size_t shown = std::min(kTopLayers, layers.size());
    text = layers.size() == shown
               ? text
               : fmt::format(
                     "Layers, top {} of {} (--layers shows all; most: where most other cycles "
                     "went):\n",
                     shown, layers.size());
    layers.resize(shown);
  }
  const auto total =
      static_cast<double>(std::max<std::int64_t>(record.report.total.cycles.value, 1));
  for (const sim::LayerReport* layer : layers) {
    const auto cycles = static_cast<double>(layer->counters.cycles.value);
    text += fmt::format("  {:<{}}{:>14} {:>5.1f} %  {:<8} {}\n", clean(layer->name, kNameWidth - 1),
                        kNameWidth, grouped(layer->counters.cycles.value), 100.0 * cycles / total,
                        clean(layer->kind, kKindWidth), main_stall(layer->counters));
  }
  return text;
}

std::string counts(const Record& record) {
  const sim::Counters& total = record.report.total;
  return line("work", fmt::format("{} instructions, {} MACs (the func engine keeps no time)",
                                  grouped(total.instructions), grouped(figures(record).macs)));
}

// The words of a command line that shell_word() wrote; what quotes enclose is not divided.
std::vector<std::string> command_words(const std::string& command) {
  std::vector<std::string> words(1);
  bool quoted = false, escapes = true;  // whether a backslash takes the next character with it
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == ' ' && !quoted) {
      words.emplace_back();
      continue;
    }
    if (c == '\'') {
      escapes = quoted || words.back().ends_with('$');
      quoted = !quoted;
    }
    words.back() += c;
    if (c == '\\' && escapes && i + 1 < command.size()) words.back() += command[++i];
  }
  return words;
}

// A command line as text to paste, in lines of at most kPageWidth columns where its words allow.
std::string folded(const std::string& command, const std::string& head) {
  const std::string indent(head.size() + 4, ' ');
  const std::string more = " \\";
  std::string text, last = head;
  for (const std::string& word : command_words(command)) {
    const bool fits = last.size() + 1 + word.size() + more.size() <= kPageWidth;
    if (!fits && last != head) {
      text += last + more + "\n";
      last = indent;
    }
    last += (last == head || last == indent ? "" : " ") + word;
  }
  return text + last + "\n";
}

// What to type next: the same run with its timeline, unless that was just asked for.
std::string next_command(const Record& record) {
  if (record.command_line.find(" --trace") != std::string::npos) return {};
  return "\n" + folded(record.command_line + " --trace run.json", "Next: ") +
         "      then open run.json at https://ui.perfetto.dev\n";
}

}  // namespace

std::string summary(const Record& record, bool all_layers) {
  if (record.engine == sim::Engine::kFunc) {
    return title(record) + counts(record) + accuracy_line(record) + host_lines(record);
  }
  return title(record) + speed_lines(record) + bound_lines(record) + accuracy_line(record) +
         host_lines(record) + "\n" + stall_table(record) + "\n" + layer_table(record, all_layers) +
         next_command(record);
}

}  // namespace systole::report
