// Critical path: one walk back, one sweep for ties (story in critical_path.h).
#include "traces/explain/critical_path.h"

#include <algorithm>
#include <numeric>

namespace systole::traces {
namespace {

using sim::Causes;
using sim::Moment;
using sim::Resource;
using sim::Rule;

class Walker {
 public:
  explicit Walker(const Causes& causes) : causes_(causes) {}

  [[nodiscard]] const Causes::Node& node(Moment moment) const {
    return causes_.nodes()[static_cast<std::size_t>(moment)];
  }
  // Whether the moment was not earlier because of its i-th cause.
  [[nodiscard]] bool binds(const Causes::Node& n, std::size_t i) const {
    if (n.cycles[i] == Causes::kNone) return false;
    switch (n.rule) {
      case Rule::kLinkIn:
      case Rule::kLinkOut:
      case Rule::kMemory:
      case Rule::kPorts:  // what had to wait waited for what was before it
        return i == 1 || n.cycles[1] == Causes::kNone;
      default:
        return node(n.from[i]).at + CycleCount(n.cycles[i]) == n.at;
    }
  }
  // The binding cause that carries the path.
  [[nodiscard]] std::size_t carrier(const Causes::Node& n) const {
    if (!binds(n, 1)) return 0;
    if (!binds(n, 0)) return 1;
    return n.resource[1] < n.resource[0] ? 1 : 0;
  }

  // Pieces that end with `to` and begin at or before `since`, in reverse. A cause that lies after
  // its moment (what is asked for in the last cycle of what came before) takes its cycles back from
  // the pieces behind it.
  std::vector<PathPiece> walk(Moment to, CyclePoint since) const {
    std::vector<PathPiece> pieces;
    while (to != sim::kStart && node(to).at > since) {
      const Causes::Node& n = node(to);
      const std::size_t i = carrier(n);
      to = n.from[i];
      take_back(pieces, node(to).at - n.at);
      add(pieces, {node(to).at, n.at, n.resource[i], n.layer});
    }
    return pieces;
  }

  // Cycles of each resource on any chain as long as the path.
  ByResource on_any_chain() const {
    std::vector<bool> reached(causes_.nodes().size());
    std::array<std::vector<PathPiece>, sim::kResourceCount> pieces;
    reached[static_cast<std::size_t>(causes_.end())] = true;
    for (Moment m = causes_.end(); m > sim::kStart; --m) {
      if (!reached[static_cast<std::size_t>(m)]) continue;
      const Causes::Node& n = node(m);
      for (std::size_t i = 0; i < 2; ++i) {
        if (!binds(n, i)) continue;
        reached[static_cast<std::size_t>(n.from[i])] = true;
        auto& of = pieces[index(n.resource[i])];
        add(of, {node(n.from[i]).at, n.at, n.resource[i], 0});
      }
    }
    ByResource cycles{};
    for (std::size_t r = 0; r < pieces.size(); ++r) cycles[r] = united(pieces[r]);
    return cycles;
  }

 private:
  static void take_back(std::vector<PathPiece>& pieces, CycleCount back) {
    while (back > CycleCount(0) && !pieces.empty()) {
      PathPiece& last = pieces.back();
      const CycleCount cut = std::min(back, last.end - last.begin);
      last.begin += cut;
      back -= cut;
      if (last.begin == last.end) pieces.pop_back();
    }
  }
  static void add(std::vector<PathPiece>& pieces, const PathPiece& piece) {
    if (piece.begin >= piece.end) return;
    if (!pieces.empty() && pieces.back().begin == piece.end &&
        pieces.back().resource == piece.resource && pieces.back().layer == piece.layer) {
      pieces.back().begin = piece.begin;
    } else {
      pieces.push_back(piece);
    }
  }
  // Cycles in at least one of the pieces.
  static CycleCount united(std::vector<PathPiece>& pieces) {
    std::ranges::sort(pieces, {}, &PathPiece::begin);
    CycleCount sum;
    CyclePoint covered;
    for (const PathPiece& piece : pieces) {
      const CyclePoint begin = std::max(piece.begin, covered);
      if (piece.end <= begin) continue;
      sum += piece.end - begin;
      covered = piece.end;
    }
    return sum;
  }

  const Causes& causes_;
};

// What belongs to no layer (layer 0) is of the layer that it leads to, else of the one before.
void give_to_layers(std::vector<PathPiece>& pieces) {
  const auto give = [](auto begin, auto end) {
    std::int64_t layer = 0;
    for (auto piece = begin; piece != end; ++piece) {
      if (piece->layer == 0) piece->layer = layer;
      layer = piece->layer;
    }
  };
  give(pieces.rbegin(), pieces.rend());
  give(pieces.begin(), pieces.end());
}

// Adds the cycles of pieces within [begin, end).
void add_within(const std::vector<PathPiece>& pieces, CyclePoint begin, CyclePoint end,
                ByResource& to) {
  for (const PathPiece& piece : pieces) {
    const CyclePoint from = std::max(piece.begin, begin), until = std::min(piece.end, end);
    if (from < until) to[index(piece.resource)] += until - from;
  }
}

std::array<ByResource, sim::kStallCount> stall_roots(const Causes& causes, const Walker& walker) {
  std::array<ByResource, sim::kStallCount> roots{};
  for (const Causes::Gap& gap : causes.gaps()) {
    add_within(walker.walk(gap.until, gap.begin), gap.begin, gap.end,
               roots[static_cast<std::size_t>(gap.stall)]);
  }
  return roots;
}

}  // namespace

ByResource chain_to(const Causes& causes, Moment moment, CyclePoint since) {
  const Walker walker(causes);
  ByResource cycles{};
  add_within(walker.walk(moment, since), since, walker.node(moment).at, cycles);
  return cycles;
}

sim::Resource largest(const ByResource& cycles) {
  const auto* const most = std::ranges::max_element(cycles);
  if (*most == CycleCount(0)) return Resource::kControl;
  return static_cast<Resource>(most - cycles.begin());
}

namespace {

// Sums by layer and resource from the pieces.
void add_up(CriticalPath& path, std::size_t layers) {
  path.layers.assign(std::max<std::size_t>(layers, 1), {});
  for (const PathPiece& piece : path.pieces) {
    const CycleCount length = piece.end - piece.begin;
    path.by_resource[index(piece.resource)] += length;
    path.layers.at(static_cast<std::size_t>(piece.layer))[index(piece.resource)] += length;
  }
  for (const ByResource& layer : path.layers) {
    path.by_layer.push_back(std::accumulate(layer.begin(), layer.end(), CycleCount(0)));
  }
}

}  // namespace

CriticalPath critical_path(const Causes& causes, std::size_t layers) {
  const Walker walker(causes);
  CriticalPath path;
  path.cycles = walker.node(causes.end()).at - CyclePoint(0);
  path.whole = !causes.full();
  path.pieces = walker.walk(causes.end(), CyclePoint(0));
  std::ranges::reverse(path.pieces);
  give_to_layers(path.pieces);
  add_up(path, layers);
  path.roots = stall_roots(causes, walker);
  path.also = walker.on_any_chain();
  for (std::size_t r = 0; r < path.also.size(); ++r) {
    path.also[r] = std::max(CycleCount(0), path.also[r] - path.by_resource[r]);
  }
  return path;
}

CriticalPath part_of(const CriticalPath& path, CyclePoint begin, CyclePoint end) {
  CriticalPath part;
  part.cycles = end - begin;
  part.whole = path.whole;
  for (const PathPiece& piece : path.pieces) {
    const PathPiece cut{std::max(piece.begin, begin), std::min(piece.end, end), piece.resource,
                        piece.layer};
    if (cut.begin < cut.end) part.pieces.push_back(cut);
  }
  add_up(part, path.layers.size());
  const auto in_proportion = [&](const ByResource& of) {
    ByResource scaled{};
    const double share = static_cast<double>(part.cycles.value) /
                         static_cast<double>(std::max<std::int64_t>(path.cycles.value, 1));
    for (std::size_t r = 0; r < of.size(); ++r) {
      scaled[r] = CycleCount(static_cast<std::int64_t>(static_cast<double>(of[r].value) * share));
    }
    return scaled;
  };
  part.also = in_proportion(path.also);
  std::ranges::transform(path.roots, part.roots.begin(), in_proportion);
  return part;
}

}  // namespace systole::traces
