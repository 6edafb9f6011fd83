// See alike.h.
#include "traces/explain/alike.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>

#include "isa/insn.h"

namespace systole::traces {
namespace {

bool is_barrier(const isa::Insn& insn) {
  return std::holds_alternative<isa::Interrupt>(insn) || std::holds_alternative<isa::Halt>(insn);
}

// The instruction with all of its addresses at 0.
isa::Insn without_addresses(isa::Insn insn) {
  const auto clear = [](std::string_view, isa::Operand kind, std::int64_t& value) {
    if (isa::info(kind).space != isa::Space::kNone) value = 0;
  };
  std::visit([&](auto& one) { one.for_each(clear); }, insn);
  return insn;
}

// What a layer between two barriers does; nothing where more than one layer is at work there.
struct Stretch {
  std::optional<std::int64_t> layer;
  bool mixed = false;
  std::vector<std::uint8_t> code;

  void add(const isa::Insn& insn) {
    if (const auto* tag = std::get_if<isa::Tag>(&insn)) {
      mixed = mixed || layer.has_value() || !code.empty();
      layer = tag->layer;
    } else {
      isa::encode(without_addresses(insn), code);
    }
  }
};

}  // namespace

std::vector<std::vector<std::size_t>> alike_layers(const isa::Program& program) {
  std::map<std::string, std::vector<std::size_t>> by_code;
  std::map<std::int64_t, int> stretches;  // of each layer
  Stretch stretch;
  for (const isa::Insn& insn : program.code) {
    if (!is_barrier(insn)) {
      stretch.add(insn);
      continue;
    }
    if (stretch.layer) ++stretches[*stretch.layer];
    if (stretch.layer && !stretch.mixed && *stretch.layer > 0) {
      const std::string code(stretch.code.begin(), stretch.code.end());
      by_code[code].push_back(static_cast<std::size_t>(*stretch.layer));
    }
    stretch = {};
  }
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [code, layers] : by_code) {
    std::erase_if(layers, [&](std::size_t layer) {
      return stretches.at(static_cast<std::int64_t>(layer)) > 1;
    });
    if (layers.size() > 1) groups.push_back(std::move(layers));
  }
  return groups;
}

void set_apart(CriticalPath& path, const std::vector<std::vector<std::size_t>>& groups) {
  for (const std::vector<std::size_t>& group : groups) {
    ByResource common = path.layers.at(group.front());
    for (const std::size_t layer : group) {
      for (std::size_t r = 0; r < common.size(); ++r) {
        common[r] = std::min(common[r], path.layers.at(layer)[r]);
      }
    }
    for (const std::size_t layer : group) {
      for (std::size_t r = 0; r < common.size(); ++r) {
        path.layers.front()[r] += path.layers[layer][r] - common[r];
      }
      path.layers[layer] = common;
    }
  }
  for (std::size_t i = 0; i < path.layers.size(); ++i) {
    const ByResource& layer = path.layers[i];
    path.by_layer[i] = std::accumulate(layer.begin(), layer.end(), CycleCount(0));
  }
}

}  // namespace systole::traces
