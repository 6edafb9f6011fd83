// See diff.h.
#include "traces/diff.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

namespace systole::traces {
namespace {

// What a division lacks of the whole: a path that was recorded in part.
constexpr const char* kRest = "(not recorded)";

std::int64_t sum_of(const std::vector<PartChange>& parts, std::int64_t PartChange::*side) {
  std::int64_t sum = 0;
  for (const PartChange& part : parts) sum += part.*side;
  return sum;
}

// A part's name and how often it came before.
using Key = std::pair<std::string, std::size_t>;

// Parts of both runs by name, in the order in which they come first.
class Matched {
 public:
  PartChange& part(const std::string& name, std::map<std::string, std::size_t>& seen) {
    const Key key{name, seen[name]++};
    const auto [at, is_new] = index_.emplace(key, parts_.size());
    if (is_new) parts_.push_back({name, 0, 0, {}});
    return parts_[at->second];
  }
  [[nodiscard]] std::vector<PartChange> take() { return std::move(parts_); }

 private:
  std::map<Key, std::size_t> index_;
  std::vector<PartChange> parts_;
};

std::vector<PartChange> matched(const std::vector<Part>& a, const std::vector<Part>& b) {
  Matched parts;
  std::map<std::string, std::size_t> of_a, of_b;
  for (const Part& part : a) parts.part(part.name, of_a).a = part.amount;
  for (const Part& part : b) parts.part(part.name, of_b).b = part.amount;
  return parts.take();
}

void drop_empty(std::vector<PartChange>& parts) {
  std::erase_if(parts, [](const PartChange& part) { return part.a == 0 && part.b == 0; });
}

void add_rest(std::vector<PartChange>& parts, const Profile& a, const Profile& b) {
  parts.push_back({kRest,
                   a.cycles - sum_of(parts, &PartChange::a),
                   b.cycles - sum_of(parts, &PartChange::b),
                   {}});
}

// What resources make of a layer's change.
std::vector<Part> by_resource(const LayerProfile* a, const LayerProfile* b) {
  static const std::vector<Part> kNone;
  std::vector<Part> changes;
  for (const PartChange& part :
       matched(a == nullptr ? kNone : a->path, b == nullptr ? kNone : b->path)) {
    if (part.change() != 0) changes.push_back({part.name, part.change()});
  }
  std::ranges::stable_sort(changes, std::greater<>(),
                           [](const Part& part) { return std::abs(part.amount); });
  return changes;
}

std::vector<PartChange> layer_changes(const Profile& a, const Profile& b) {
  Matched parts;
  std::map<std::string, std::size_t> of_a, of_b;
  std::map<Key, std::pair<const LayerProfile*, const LayerProfile*>> both;
  for (const LayerProfile& layer : a.layers) {
    both[{layer.name, of_a[layer.name]}].first = &layer;
    parts.part(layer.name, of_a).a = layer.cycles;
  }
  for (const LayerProfile& layer : b.layers) {
    both[{layer.name, of_b[layer.name]}].second = &layer;
    parts.part(layer.name, of_b).b = layer.cycles;
  }
  std::vector<PartChange> changes = parts.take();
  std::map<std::string, std::size_t> seen;
  for (PartChange& change : changes) {
    const auto [of_first, of_second] = both[{change.name, seen[change.name]++}];
    change.by_resource = by_resource(of_first, of_second);
  }
  return changes;
}

// Parts of cycles by what they change of the time.
void sort_by_time(std::vector<PartChange>& parts, const Profile& a, const Profile& b) {
  const auto seconds = [&](const PartChange& part) {
    return std::abs(static_cast<double>(part.b) / static_cast<double>(b.clock_hertz) -
                    static_cast<double>(part.a) / static_cast<double>(a.clock_hertz));
  };
  std::ranges::stable_sort(parts, std::greater<>(), seconds);
}

// Divides parts of a whole so that they add up to `total` (largest remainder, earlier parts first).
void divide(std::vector<std::int64_t*> parts, std::int64_t count, std::int64_t total) {
  std::vector<std::int64_t> left;
  std::int64_t missing = total;
  for (std::int64_t* part : parts) {
    const std::int64_t remainder = (*part % count + count) % count;  // of the floor
    left.push_back(remainder);
    *part = (*part - remainder) / count;
    missing -= *part;
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return left[i]; });
  for (std::size_t i = 0; i < order.size() && missing > 0; ++i, --missing) ++*parts[order[i]];
}

void divide_parts(std::vector<Part>& parts, std::int64_t count, std::int64_t total) {
  std::vector<std::int64_t*> amounts;
  for (Part& part : parts) amounts.push_back(&part.amount);
  divide(std::move(amounts), count, total);
}

std::int64_t sum_of(const std::vector<Part>& parts) {
  std::int64_t sum = 0;
  for (const Part& part : parts) sum += part.amount;
  return sum;
}

}  // namespace

Profile divided(const Profile& whole, std::int64_t count) {
  Profile part = whole;
  const auto rounded = [&](std::int64_t value) { return (value + count / 2) / count; };
  part.cycles = rounded(whole.cycles);
  part.seconds /= static_cast<double>(count);
  part.total_seconds /= static_cast<double>(count);
  part.instructions = rounded(whole.instructions);
  std::vector<std::int64_t*> layers;
  std::int64_t recorded = 0;
  for (LayerProfile& layer : part.layers) {
    recorded += layer.cycles;
    layers.push_back(&layer.cycles);
  }
  divide(std::move(layers), count, rounded(recorded));
  for (LayerProfile& layer : part.layers) divide_parts(layer.path, count, layer.cycles);
  divide_parts(part.path, count, rounded(sum_of(whole.path)));
  divide_parts(part.matrix, count, rounded(sum_of(whole.matrix)));
  for (Part& bytes : part.bytes) bytes.amount = rounded(bytes.amount);
  return part;
}

std::vector<ParameterChange> parameter_changes(const Profile& a, const Profile& b) {
  std::vector<ParameterChange> changes;
  for (const auto& [key, value] : a.parameters) {
    const auto other = std::ranges::find(b.parameters, key, [](const auto& p) { return p.first; });
    if (other != b.parameters.end() && other->second != value) {
      changes.push_back({key, value, other->second});
    }
  }
  return changes;
}

Diff diff(const Profile& a, const Profile& b) {
  Diff d;
  d.parameters = parameter_changes(a, b);
  d.layers = layer_changes(a, b);
  d.path = matched(a.path, b.path);
  d.matrix = matched(a.matrix, b.matrix);
  d.bytes = matched(a.bytes, b.bytes);
  add_rest(d.layers, a, b);
  add_rest(d.path, a, b);
  for (auto* cycles : {&d.layers, &d.path, &d.matrix}) {
    drop_empty(*cycles);
    sort_by_time(*cycles, a, b);
  }
  drop_empty(d.bytes);
  std::ranges::stable_sort(d.bytes, std::greater<>(),
                           [](const PartChange& part) { return std::abs(part.change()); });
  return d;
}

}  // namespace systole::traces
