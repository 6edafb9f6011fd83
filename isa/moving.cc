// Moving: accesses by how they step (story in moving.h).
#include "isa/moving.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace systole::isa {
namespace {

// Accesses that step alike in one place: all that a repetition touches, and whether it writes.
struct Group {
  std::int64_t begin = 0, end = 0, step = 0;
  Space space = Space::kNone;
  bool writes = false;
};

// Of the accesses in host memory those of a tensor belong together.
std::int64_t tensor_of(const Program& program, const Access& access) {
  if (access.space != Space::kHost) return -1;
  for (std::size_t t = 0; t < program.tensors.size(); ++t) {
    const HostTensor& tensor = program.tensors[t];
    if (access.begin >= tensor.address && access.begin < tensor.address + tensor.bytes()) {
      return static_cast<std::int64_t>(t);
    }
  }
  return -1;
}

std::vector<Group> groups_of(const Program& program, const std::vector<MovingAccess>& accesses) {
  std::map<std::tuple<Space, std::int64_t, std::int64_t>, Group> groups;
  for (const MovingAccess& one : accesses) {
    const Access& a = one.access;
    const auto key = std::tuple(a.space, one.step, tensor_of(program, a));
    const auto [at, is_new] =
        groups.try_emplace(key, Group{a.begin, a.end, one.step, a.space, a.write});
    Group& group = at->second;
    group.begin = std::min(group.begin, a.begin);
    group.end = std::max(group.end, a.end);
    group.writes = group.writes || a.write;
  }
  std::vector<Group> list;
  for (const auto& [key, group] : groups) list.push_back(group);
  return list;
}

bool apart(const std::vector<Group>& groups, std::int64_t count) {
  const auto low = [&](const Group& g) {
    return g.begin + std::min<std::int64_t>(0, g.step * (count - 1));
  };
  const auto high = [&](const Group& g) {
    return g.end + std::max<std::int64_t>(0, g.step * (count - 1));
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& a = groups[i];
    if (a.writes && a.end - a.begin > 3 * std::abs(a.step)) return false;
    for (std::size_t j = 0; j < i; ++j) {
      const Group& b = groups[j];
      const bool meet = a.space == b.space && low(a) < high(b) && low(b) < high(a);
      if (meet && (a.writes || b.writes)) return false;
    }
  }
  return true;
}

bool is_memory(Space space) { return space == Space::kHost || space == Space::kDram; }

// Steps through what is no memory.
bool strays(const StepBy& step) { return step.ub != 0 || step.acc != 0 || step.param != 0; }

class Collector {
 public:
  Collector(const Machine& machine, std::vector<MovingAccess>& out)
      : machine_(machine), out_(out) {}

  void add(std::size_t pc, const Insn& insn, const StepBy& step) {
    if (!counts(insn)) return;
    device_accesses(insn, machine_, scratch_);
    for (const Access& access : scratch_) {
      if (is_memory(access.space)) out_.push_back({access, {}, step.dram, pc, queue_of(insn)});
    }
    const HostRows rows = host_rows(insn, machine_);
    if (rows.rows == 0) return;
    const std::int64_t end = rows.address + (rows.rows - 1) * rows.stride + rows.bytes;
    out_.push_back({{Space::kHost, rows.address, end, rows.write, 0, 1, 0},
                    rows,
                    host_step(step),
                    pc,
                    queue_of(insn)});
  }

 private:
  const Machine& machine_;
  std::vector<MovingAccess>& out_;
  std::vector<Access> scratch_;
};

}  // namespace

Access MovingAccess::hull(std::int64_t first, std::int64_t end) const {
  const std::int64_t a = first * step, b = (end - 1) * step;
  Access all = access;
  all.begin += std::min(a, b);
  all.end += std::max(a, b);
  return all;
}

// Rows of one column of a matrix stay rows of it.
HostRows MovingAccess::rows(std::int64_t first, std::int64_t end) const {
  const Access all = hull(first, end);
  if (host.rows < 2 || host.stride <= 0 || step % host.stride != 0) {
    return {all.begin, 0, 1, all.end - all.begin, all.write};
  }
  return {all.begin, host.stride, (all.end - all.begin - host.bytes) / host.stride + 1, host.bytes,
          all.write};
}

std::optional<Moving> moving_of(const Program& program, const Machine& machine, const Body& body) {
  Moving moving;
  Collector collector(machine, moving.accesses);
  StepBy step;
  for (std::size_t pc = body.begin; pc < body.end; ++pc) {
    const auto* next = std::get_if<StepBy>(&program.code[pc]);
    if (next != nullptr && strays(*next)) return std::nullopt;
    if (next == nullptr) collector.add(pc, program.code[pc], step);
    step = next != nullptr ? *next : StepBy{};
  }
  for (const MovingAccess& one : moving.accesses) {
    bool& stepped = moving.stepped[static_cast<std::size_t>(one.access.space)];
    stepped = stepped || one.step != 0;
  }
  std::erase_if(moving.accesses, [&](const MovingAccess& one) {
    return !moving.stepped[static_cast<std::size_t>(one.access.space)];
  });
  if (!apart(groups_of(program, moving.accesses), body.count)) return std::nullopt;
  return moving;
}

}  // namespace systole::isa
