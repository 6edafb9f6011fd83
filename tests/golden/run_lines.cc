// One fact a line, with its name, so that a difference says what differs.
#include "tests/golden/run_lines.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "isa/text.h"
#include "tests/golden/digest.h"

namespace systole::golden {
namespace {

// "a=1 b=2" of those that are not 0.
class Figures {
 public:
  Figures& add(std::string_view name, std::int64_t value) {
    if (value != 0) text_ += fmt::format(" {}={}", name, value);
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Tensors and host steps as text: what they are called, where they lie, what they do.
std::string host_digest(const isa::Program& program) {
  Digest digest;
  for (const isa::HostTensor& t : program.tensors) {
    digest.add(fmt::format("{} {} {} {} {}", t.name, dtype_name(t.type), shape_text(t.shape),
                           isa::role_name(t.role), t.address));
  }
  for (const isa::HostStep& s : program.host_steps) {
    digest.add(fmt::format("{} {} {} {} {} {} {} {}", s.name, isa::host_op_name(s.op), s.stage,
                           fmt::join(s.inputs, ","), fmt::join(s.outputs, ","),
                           fmt::join(s.numbers, ","), fmt::join(s.reals, ","), s.layer));
  }
  return digest.hex();
}

std::string bytes_digest(std::span<const std::uint8_t> bytes) { return Digest().add(bytes).hex(); }

std::string work(const sim::Counters& c) {
  return Figures()
      .add("macs_useful", c.macs_useful)
      .add("macs_padded", c.macs_padded)
      .add("passes", c.passes)
      .add("tiles", c.tiles)
      .add("wraps", c.accumulator_wraps)
      .text();
}

std::string layer_line(const sim::LayerReport& layer) {
  const sim::Counters& c = layer.counters;
  return fmt::format("layer {} ({}): cycles={} from={} to={} instructions={}{}{}{}", layer.name,
                     layer.kind, c.cycles.value, layer.first.value, layer.last.value,
                     c.instructions, stalls_text(c), work(c), bytes_text(c));
}

// The lines of the first layers, and a digest of those of the others.
void append_layers(std::vector<std::string>& lines, const std::vector<std::string>& layers) {
  constexpr std::size_t kMost = 150;
  const std::size_t shown = std::min(kMost, layers.size());
  const auto end = layers.begin() + static_cast<std::ptrdiff_t>(shown);
  lines.insert(lines.end(), layers.begin(), end);
  if (end == layers.end()) return;
  Digest digest;
  std::for_each(end, layers.end(), [&](const std::string& line) { digest.add(line); });
  lines.push_back(fmt::format("and {} layers more {}", layers.size() - shown, digest.hex()));
}

}  // namespace

std::string stalls_text(const sim::Counters& counters) {
  Figures figures;
  for (std::size_t i = 0; i < sim::kStallCount; ++i)
    figures.add(sim::stall_name(static_cast<sim::Stall>(i)), counters.matrix[i].value);
  return figures.text();
}

std::string bytes_text(const sim::Counters& c) {
  return Figures()
      .add("host_in", c.host_in.value)
      .add("host_out", c.host_out.value)
      .add("weights_read", c.weights_read.value)
      .add("ub_read", c.ub_read.value)
      .add("ub_written", c.ub_written.value)
      .text();
}

std::vector<std::string> program_lines(const isa::Program& program) {
  std::vector<std::string> lines = {
      fmt::format("code: {} instructions {}", program.code.size(), digest_of(program.code)),
      fmt::format("weights: {} B {}", program.weight_bytes, bytes_digest(program.weights)),
      fmt::format("constants: {} B {}", program.constants.size(), bytes_digest(program.constants)),
      fmt::format("host: {} B, {} tensors, {} steps {}", program.host_bytes, program.tensors.size(),
                  program.host_steps.size(), host_digest(program))};
  std::vector<std::string> layers;
  for (const isa::Layer& layer : program.layers) {
    const std::string figures =
        Figures().add("macs", layer.macs).add("cycles", layer.predicted_cycles).text();
    if (!figures.empty())
      layers.push_back(fmt::format("predicted {} ({}):{}", layer.name, layer.kind, figures));
  }
  append_layers(lines, layers);
  return lines;
}

std::vector<std::string> report_lines(const sim::Report& report) {
  const sim::Counters& total = report.total;
  std::vector<std::string> lines = {
      fmt::format("cycles: {}", total.cycles.value), "stalls:" + stalls_text(total),
      fmt::format("unmet: raw_any={} input_any={}", total.raw_any.value, total.input_any.value)};
  for (const sim::UnitReport& unit : report.units) {
    Figures figures;
    figures.add("busy", unit.busy.value);
    for (const auto& [wait, cycles] : unit.waits) figures.add(wait, cycles.value);
    if (figures.text().empty()) continue;
    lines.push_back(fmt::format("unit {}:{} idle={}", unit.unit, figures.text(), unit.idle.value));
  }
  std::vector<std::string> layers;
  for (const sim::LayerReport& layer : report.layers) {
    if (layer.counters.instructions != 0 || layer.counters.cycles.value != 0)
      layers.push_back(layer_line(layer));
  }
  append_layers(lines, layers);
  return lines;
}

std::vector<std::string> value_lines(const sim::RunResult& result) {
  const sim::Counters& total = result.report.total;
  std::vector<std::string> lines = {fmt::format("instructions: {}", total.instructions),
                                    "work:" + work(total), "bytes:" + bytes_text(total)};
  for (const sim::HostReport& step : result.report.host) {
    lines.push_back(fmt::format("host step {} ({}): bytes={} seconds={:.9g}", step.name, step.op,
                                step.bytes.value, step.seconds));
  }
  for (const auto& [name, tensor] : result.outputs) {
    lines.push_back(fmt::format("output {}: {} {} {}", name, dtype_name(tensor.type),
                                shape_text(tensor.shape), bytes_digest(tensor.data)));
  }
  return lines;
}

}  // namespace systole::golden
