// Layout of the summary. The percentages of the stall table add up to 100.0.
#include "report/summary.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "base/clean.h"
#include "base/page.h"
#include "isa/machine.h"

namespace systole::report {
namespace {

constexpr std::size_t kNameWidth = 24;
constexpr std::size_t kKindWidth = 10;  // at most
constexpr std::size_t kTopLayers = 3;

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
  return record.why ? line("bound by", traces::bound_sentence(*record.why)) : "";
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

// What most of the cycles went to, and its share of them; nothing if there are none.
std::string root_text(const traces::ByResource& cycles) {
  const sim::Resource most = traces::largest(cycles);
  const std::int64_t sum = std::accumulate(cycles.begin(), cycles.end(), CycleCount(0)).value;
  if (sum == 0) return {};
  const auto part = static_cast<double>(cycles[index(most)].value) / static_cast<double>(sum);
  return fmt::format("{} {:.0f} %", sim::info(most).name, 100.0 * part);
}

// The stall table: classes with cycles, each with its root.
std::string stall_table(const Record& record) {
  std::vector<std::int64_t> cycles;
  for (const CycleCount c : record.report.total.matrix) cycles.push_back(c.value);
  const std::vector<std::int64_t> shares = tenths_of_percent(cycles);
  const std::int64_t units = record.machine.array_units;
  std::string text =
      units == 1 ? "Cycles of the matrix unit, each in one class, and what it waited for (<-):\n"
                 : fmt::format(
                       "Cycles of the {} matrix units together, each in one class, and what they "
                       "waited\nfor (<-):\n",
                       units);
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    if (cycles[i] == 0) continue;
    std::string root;
    if (record.why) root = root_text(record.why->path.roots[i]);
    text += fmt::format("  {:<14}{:>14} {:>3}.{} %{}{}\n",
                        sim::stall_name(static_cast<sim::Stall>(i)), grouped(cycles[i]),
                        shares[i] / 10, shares[i] % 10, root.empty() ? "" : "  <- ", root);
  }
  return text;
}

// A layer as a row of the table: its cycles and what most of them went to.
struct LayerRow {
  const sim::LayerReport* layer;
  std::int64_t cycles;
  std::string most;
};

std::vector<LayerRow> layer_rows(const Record& record) {
  const std::vector<CycleCount> cycles = layer_cycles(record);
  std::vector<LayerRow> rows;
  for (std::size_t i = 0; i < record.report.layers.size(); ++i) {
    std::string most;
    if (record.why && i < record.why->path.layers.size()) {
      most = root_text(record.why->path.layers[i]);
    }
    rows.push_back({&record.report.layers[i], cycles[i].value, most});
  }
  return rows;
}

std::string layer_table(const Record& record, bool all_layers) {
  std::vector<LayerRow> rows = layer_rows(record);
  // What belongs to no layer has its cycles with those it leads to.
  std::erase_if(rows, [&](const LayerRow& row) {
    return row.cycles == 0 && (!all_layers || row.layer == &record.report.layers.front());
  });
  std::string text = "Layers, by their part of the critical path:\n";
  if (!all_layers) {
    std::ranges::stable_sort(rows, std::greater<>(), &LayerRow::cycles);
    const std::size_t shown = std::min(kTopLayers, rows.size());
    if (rows.size() > shown) {
      text =
          fmt::format("Layers, top {} of {} by their part of the critical path (--layers: all):\n",
                      shown, rows.size());
    }
    rows.resize(shown);
  }
  const auto total =
      static_cast<double>(std::max<std::int64_t>(record.report.total.cycles.value, 1));
  for (const LayerRow& row : rows) {
    text += fmt::format("  {:<{}}{:>14} {:>5.1f} %  {:<8} {}\n",
                        clean(row.layer->name, kNameWidth - 1), kNameWidth, grouped(row.cycles),
                        100.0 * static_cast<double>(row.cycles) / total,
                        clean(row.layer->kind, kKindWidth), row.most);
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
         "      then open run.json at https://ui.perfetto.dev, or: systole trace run.json\n";
}

}  // namespace

std::string with_prefix(double value) {
  struct Prefix {
    double factor;
    const char* text;
  };
  constexpr Prefix kPrefixes[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1.0, ""},
                                  {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  for (const Prefix& p : kPrefixes) {
    constexpr double kRoundsUp = 0.9995;  // 999.9 n is shown as 1 u
    if (value >= p.factor * kRoundsUp) return fmt::format("{:.3g} {}", value / p.factor, p.text);
  }
  return fmt::format("{:.3g} ", value);
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string heading(const Record& record) {
  return title(record) + speed_lines(record) + bound_lines(record);
}

std::string summary(const Record& record, bool all_layers) {
  if (record.engine == sim::Engine::kFunc) {
    return title(record) + counts(record) + accuracy_line(record) + host_lines(record);
  }
  return heading(record) + accuracy_line(record) + host_lines(record) + "\n" + stall_table(record) +
         "\n" + layer_table(record, all_layers) + next_command(record);
}

}  // namespace systole::report
