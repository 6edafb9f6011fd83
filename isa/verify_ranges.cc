// Verifier: ranges of everything executed. An operand is checked against its kind and the machine,
// a row or byte touched against the size of its space, both after repeats are expanded.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "isa/access.h"
#include "isa/expand.h"
#include "isa/operand.h"
#include "isa/precisions.h"
#include "isa/verify_parts.h"
#include "isa/verify_vector.h"

namespace systole::isa {
namespace {

// The largest windows (strides, dilations, taps, padding) and extents.
constexpr std::int64_t kMaxWindow = operand_range(Operand::Window).high;
constexpr std::int64_t kMaxExtent = operand_range(Operand::Extent).high;

class RangeChecker {
 public:
  RangeChecker(const Program& program, const Machine& machine, Findings& findings)
      : program_(program),
        machine_(machine),
        findings_(findings),
        vector_(machine, [this](const std::string& what) { bad(what); }) {}

  // Addresses move by a fixed step, so that the first and the last repetitions touch the outermost
  // places, and between operands of one space nothing changes; registers are as the second has
  // them.
  void run() {
    const auto visit = [this](std::size_t pc, const Insn& insn) {
      check(pc, insn);
      return !findings_.full();
    };
    const auto settled = [](const Body&, std::int64_t i) { return i >= 1; };
    if (!for_each_unsettled(program_.code, kMostVisited, visit, settled)) add_too_long(findings_);
  }

 private:
  void check(std::size_t pc, const Insn& insn) {
    pc_ = pc;
    sound_ = true;
    std::visit([this](const auto& i) { check_operands(i); }, insn);
    if (sound_) check_units(insn);
    if (sound_) std::visit([this](const auto& i) { check_relations(i); }, insn);
    if (sound_) check_accesses(insn);
  }

  void bad(const std::string& what) {
    sound_ = false;
    findings_.add(FindingKind::kRange, pc_, what);
  }

  void require(std::string_view name, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value >= low && value <= high) return;
    bad(fmt::format("has {} = {}; expected {}", name, value, range_text(low, high)));
  }

  template <typename T>
  void check_operands(const T& insn) {
    insn.for_each([this](std::string_view name, Operand kind, std::int64_t value) {
      const OperandRange& range = operand_range(kind);
      const std::int64_t low = at_least(kind, range.low);
      const std::int64_t high = at_most(kind, range.high);
      if (value >= low && value <= high) return;
      bad(fmt::format("has {} = {}; expected {}", name, operand_text(kind, value),
                      range_text(kind, low, high)));
    });
  }

  // The machine has the units that the instruction names.
  void check_units(const Insn& insn) {
    check_unit(queue_of(insn));
    if (const auto* sync = std::get_if<Sync>(&insn)) check_unit(awaited(*sync));
  }
  void check_unit(Unit unit) {
    const std::int64_t count = unit_count(kind_of(unit), machine_);
    if (instance_of(unit) < count) return;
    bad(fmt::format(
        "names {}, and the machine has {} of these; expected {}", unit_name(unit), count,
        count == 0
            ? "a machine with dram.holds = \"everything\""
            : fmt::format("instance {}, or a larger array.units", range_text(0, count - 1))));
  }

  // Kinds whose range is narrower than their bits: nothing is done zero times, units that take
  // entries are not the sequencer, lanes lie within a row.
  static std::int64_t at_least(Operand kind, std::int64_t low) {
    const bool from_one = kind == Operand::Rows || kind == Operand::Lanes ||
                          kind == Operand::ByteLength || kind == Operand::Unit;
    return from_one ? 1 : low;
  }
  [[nodiscard]] std::int64_t at_most(Operand kind, std::int64_t high) const {
    return kind == Operand::Lane ? machine_.unified_buffer_row_bytes - 1 : high;
  }

  template <typename T>
  void check_relations(const T&) {}
  void check_relations(const ReadWeights& i) {
    check_tile(i.k, i.n);
    const bool floats = i.weights == weight_type::kBf16;
    if (floats) require("use_zero", i.use_zero, 0, 0);
    const auto known = [&](const PrecisionInfo& info) {
      return multiplies(machine_, info) && weight_type_of(info) == i.weights;
    };
    if (std::ranges::none_of(kPrecisions, known)) {
      bad(fmt::format("reads weights of type {}; expected what array.operands says",
                      operand_text(Operand::WeightType, i.weights)));
    }
  }
  void check_relations(const ReadTile& i) {
    check_tile(i.k, i.n);
    if (machine_.array_operands != Operands::kIntegers) return;
    bad("reads weights of type bf16; expected what array.operands says");
  }
  void check_relations(const Matmul& i) { check_pass(i); }
  void check_relations(const Convolve& i) {
    check_pass(i);
    check_map(i.in_height, i.in_width, i.out_height, i.out_width);
    for (const auto& [name, value] :
         {std::pair("stride_y", i.stride_y), std::pair("stride_x", i.stride_x),
          std::pair("dilation_y", i.dilation_y), std::pair("dilation_x", i.dilation_x),
          std::pair("taps", i.taps)}) {
      require(name, value, 1, kMaxWindow);
    }
    if (!sound_) return;
    check_taps(i);
    check_reach("row", (i.out_height - 1) * i.stride_y + i.kernel_y * i.dilation_y - i.pad_top,
                i.in_height);
    check_reach(
        "column",
        (i.out_width - 1) * i.stride_x + (i.kernel_x + i.taps - 1) * i.dilation_x - i.pad_left,
        i.in_width);
  }
  void check_relations(const Set& i) { vector_.check(i); }
  void check_relations(const Activate& i) { vector_.check(i); }
  void check_relations(const ActivatePool& i) { vector_.check(i); }
  void check_relations(const Vector& i) { vector_.check(i); }
  void check_relations(const Pool& i) { vector_.check(i); }
  void check_relations(const Copy& i) { vector_.check(i); }
  template <typename Pass>
  void check_pass(const Pass& i) {
    check_tile(i.k, i.n);
    const PrecisionInfo& info = precision_info(i.precision);
    if (!multiplies(machine_, info)) {
      bad(fmt::format("has precision {}; expected one of array.operands", info.name));
    }
    if (is_float(info)) return require("zero_point", i.zero_point, 0, 0);
    const bool wide = info.activation == DType::kInt16;
    const OperandRange range =
        type_range(wide ? type::kS16 : (i.is_signed != 0 ? type::kS8 : type::kU8));
    require("zero_point", i.zero_point, range.low, range.high);
  }
  void check_map(std::int64_t in_height, std::int64_t in_width, std::int64_t out_height,
                 std::int64_t out_width) {
    require("in_height", in_height, 1, kMaxExtent);
    require("in_width", in_width, 1, kMaxExtent);
    require("out_height", out_height, 1, kMaxExtent);
    require("out_width", out_width, 1, kMaxExtent);
  }
  // The taps are pixels of one delay line, and the lanes theirs in equal parts.
  void check_taps(const Convolve& i) {
    const std::int64_t line = (i.taps - 1) * i.dilation_x + 1;
    if (line > machine_.array_taps) {
      bad(
          fmt::format("needs a delay line of (taps - 1) * dilation_x + 1 = {} pixels; expected at "
                      "most array.taps = {}",
                      line, machine_.array_taps));
    }
    if (i.k % i.taps != 0) {
      bad(fmt::format("has k = {} lanes for {} taps; expected a multiple", i.k, i.taps));
    }
  }
  // A walk may end in the padding, which is as wide as its operand can say.
  void check_reach(const char* what, std::int64_t last, std::int64_t extent) {
    if (last < extent + kMaxWindow) return;
    bad(fmt::format("walks to {} {} of {}, where no padding reaches; expected at most {}", what,
                    last, extent, extent + kMaxWindow - 1));
  }
  void check_tile(std::int64_t k, std::int64_t n) {
    require("k", k, 1, machine_.r());
    require("n", n, 1, machine_.c());
  }

  void check_accesses(const Insn& insn) {
    accesses(insn, machine_, accesses_);
    for (const Access& access : accesses_) {
      if (!sound_) return;
      const std::int64_t low =
          access.space == Space::kHost && access.write ? std::ssize(program_.constants) : 0;
      const std::int64_t size = size_of(access.space);
      if (access.begin >= low && access.end <= size) continue;
      bad(fmt::format("{} {}s [{}, {}); expected within [{}, {})",
                      access.write ? "writes" : "reads", place_name(access.space), access.begin,
                      access.end, low, size));
    }
    // Of a vector operation each row may go where it came from (verify_vector.h).
    if (sound_ && !std::holds_alternative<Vector>(insn)) check_apart();
  }

  // What is written while others of its rows are still read would depend on time.
  void check_apart() {
    const Access from = ub_hull(false), to = ub_hull(true);
    const bool rows_meet = from.begin < to.end && to.begin < from.end;
    const bool lanes_meet = from.lane_begin < to.lane_end && to.lane_begin < from.lane_end;
    if (rows_meet && lanes_meet) bad(overlap_text(to.begin, from.begin, "rows or lanes apart"));
  }

  // The least box around the unified buffer rows of accesses_ that are read or written; empty if
  // there are none.
  [[nodiscard]] Access ub_hull(bool write) const {
    Access hull{Space::kUb, 0, 0, write, 0, 0, 0};
    for (const Access& a : accesses_) {
      if (a.space != Space::kUb || a.write != write) continue;
      if (hull.begin == hull.end) hull = a;
      hull.begin = std::min(hull.begin, a.begin);
      hull.end = std::max(hull.end, a.end);
      hull.lane_begin = std::min(hull.lane_begin, a.lane_begin);
      hull.lane_end = std::max(hull.lane_end, a.lane_end);
    }
    return hull;
  }

  [[nodiscard]] std::int64_t size_of(Space space) const {
    const Program& program = program_;
    const Machine& machine = machine_;
    switch (space) {
#define SYSTOLE_SPACE(name, step, place, size, tracked) \
  case Space::name:                                     \
    return size;
#include "isa/spaces.def"
      case Space::kNone:
        break;
    }
    return 0;
  }

  const Program& program_;
  const Machine& machine_;
  Findings& findings_;
  VectorChecker vector_;
  std::vector<Access> accesses_;
  std::size_t pc_ = 0;
  bool sound_ = true;
};

}  // namespace

void check_ranges(const Program& program, const Machine& machine, Findings& findings) {
  RangeChecker(program, machine, findings).run();
}

}  // namespace systole::isa
