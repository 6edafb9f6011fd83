// Prediction: a clock for each unit.
#include "compiler/lower/predict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "isa/access.h"
#include "isa/expand.h"

namespace systole::compiler {
namespace {

using isa::Unit;

class Timeline {
 public:
  explicit Timeline(const isa::Program& program)
      : program_(program), machine_(program.machine), layers_(program.layers.size()) {}

  std::vector<LayerPrediction> run() {
    isa::for_each_executed(program_.code, [this](std::size_t, const isa::Insn& insn) {
      std::visit([this](const auto& i) { execute(i); }, insn);
      return true;
    });
    finish();
    return std::move(layers_);
  }

 private:
  // One unit's queue and clock.
  struct Clock {
    std::int64_t ready = 0;           // from then on the head may start: syncs and entries before
    std::int64_t free = 0;            // from then on the unit takes the next instruction
    std::deque<std::int64_t> popped;  // when the latest entries left the queue
    std::vector<std::int64_t> done;   // by dispatch: when others know it to be complete
  };

  Clock& clock(Unit unit) { return clocks_.at(isa::index(unit)); }
  LayerPrediction& layer() { return layers_.at(static_cast<std::size_t>(layer_)); }

  // An entry goes to the unit's queue: waits for room, for the entries before it and its unit.
  std::int64_t head(Clock& c) {
    now_ += machine_.sequencer_decode_cycles;
    const auto room = static_cast<std::size_t>(machine_.sequencer_queue);
    if (c.popped.size() >= room) {
      now_ = std::max(now_, c.popped[c.popped.size() - room]);
      c.popped.pop_front();
    }
    return std::max(now_ + 1, c.ready);
  }

  // The head starts at `start` and is complete at `complete`.
  void start(Clock& c, std::int64_t start, std::int64_t complete) {
    c.popped.push_back(start);
    c.ready = start;
    c.done.push_back(std::max(complete, c.done.empty() ? 0 : c.done.back() - 1) + 1);
    end_ = std::max(end_, complete);
  }

  template <typename Insn>
  void execute(const Insn& insn) {
    if constexpr (Insn::kUnit == Unit::kSequencer) {
      control(insn);
    } else {
      Clock& c = clock(Insn::kUnit);
      work(insn, c, head(c));
    }
  }

  // --- control ---
  template <typename Insn>
  void control(const Insn&) {
    now_ += machine_.sequencer_decode_cycles;
  }
  void control(const isa::Tag& tag) {
    now_ += machine_.sequencer_decode_cycles;
    layer_ = tag.layer;
  }
  void control(const isa::Set& set) {
    Clock& c = clock(static_cast<Unit>(set.unit));
    c.ready = head(c);
    c.popped.push_back(c.ready);
  }
  void control(const isa::Sync& sync) {
    Clock& c = clock(static_cast<Unit>(sync.unit));
    const Clock& other = clock(static_cast<Unit>(sync.wait_for));
    const std::int64_t need = std::ssize(other.done) - sync.distance;
    const std::int64_t known = need > 0 ? other.done.at(static_cast<std::size_t>(need - 1)) : 0;
    c.ready = std::max(head(c), known);
    c.popped.push_back(c.ready);
  }
  void control(const isa::Interrupt&) { now_ = std::max(now_, end_) + 1; }

  // --- the matrix unit ---
  void work(const isa::Matmul& i, Clock& c, std::int64_t from) {
    pass(i.rows * row_cycles(i.precision), i.rows, i.switch_tile != 0, c, from);
  }
  void work(const isa::Convolve& i, Clock& c, std::int64_t from) {
    const std::int64_t delay = (i.taps - 1) * i.dilation_x + 1;
    const std::int64_t row = std::max(row_cycles(i.precision), std::min(i.stride_x, delay));
    pass(i.out_height * (i.out_width * row + delay - 1), i.out_height * i.out_width,
         i.switch_tile != 0, c, from);
  }
  static std::int64_t row_cycles(std::int64_t precision) {
    return precision == isa::precision::kInt8 ? 1 : 2;
  }

  void pass(std::int64_t cycles, std::int64_t rows, bool switches, Clock& c, std::int64_t from) {
    std::int64_t s = std::max(from, c.free);
    if (switches) s = std::max(s, take_tile(s));
    c.free = s + cycles;
    left_ = s + cycles + machine_.r() + machine_.c() - 2;
    layer().matrix += rows > 0 ? cycles : 0;
    layer().cycles += c.free - matrix_end_;
    matrix_end_ = c.free;
    start(c, s, left_ + 1);
  }

  // When the next tile may become active, at `s` at the earliest; frees the shadow plane (T4).
  std::int64_t take_tile(std::int64_t s) {
    const std::int64_t r = machine_.r();
    if (machine_.array_weight_load == isa::WeightLoad::kSingle && switches_ > 0)
      shadow_free_ = std::max(s, left_);
    shift();
    s = std::max(s, shifted_.at(static_cast<std::size_t>(switches_)));
    ++switches_;
    if (machine_.array_weight_load == isa::WeightLoad::kThrough) shadow_free_ = s;
    if (machine_.array_weight_load == isa::WeightLoad::kChain) shadow_free_ = s + r - 1;
    layer().shift += r;
    return s;
  }

  // Shifts in the tile that the next switch takes.
  void shift() {
    const auto tile = static_cast<std::size_t>(switches_);
    if (shifted_.size() > tile || whole_.size() <= tile) return;
    shifted_.push_back(std::max(shadow_free_, whole_[tile]) + machine_.r());
  }

  void work(const isa::ReadWeights&, Clock& c, std::int64_t from) {
    std::int64_t s = std::max(from, c.free);
    const std::int64_t behind = std::ssize(whole_) - machine_.weight_fifo_tiles;
    shift();  // the plane may be free already
    if (behind >= 0 && behind < std::ssize(shifted_))
      s = std::max(s, shifted_[static_cast<std::size_t>(behind)]);
    const std::int64_t cycles = tile_cycles();
    memory_ = std::max(memory_, s) + cycles;
    whole_.push_back(memory_ + machine_.dram_latency + 1);
    c.free = s + 1;
    layer().weights += cycles;
    start(c, s, whole_.back() - 1);
  }

  [[nodiscard]] std::int64_t tile_cycles() const {
    double rate = static_cast<double>(machine_.dram_bytes_per_second);
    if (machine_.dram_kind == isa::DramKind::kBanked) {
      rate *=
          1.0 - static_cast<double>(machine_.dram_trfc) / static_cast<double>(machine_.dram_trefi);
    }
    return std::llround(static_cast<double>(machine_.tile_bytes()) *
                        static_cast<double>(machine_.clock_hertz) / rate);
  }

  // --- activation and vector units ---
  void work(const isa::Activate& i, Clock& c, std::int64_t from) {
    const std::int64_t rows =
        i.rows * machine_.ub_rows_of(i.n * isa::element_bytes(i.type), i.lane);
    busy(c, from, rows, layer().activation, machine_.activation_depth);
  }
  void work(const isa::ActivatePool& i, Clock& c, std::int64_t from) {
    const std::int64_t reads = i.out_height * i.out_width * i.kernel_y * i.kernel_x;
    busy(c, from, reads, layer().activation, machine_.activation_depth);
  }
  void work(const isa::Vector& i, Clock& c, std::int64_t from) {
    const auto rows_of = [&](std::int64_t lane, std::int64_t type) {
      return machine_.ub_rows_of(i.n * isa::element_bytes(type), lane);
    };
    const bool fill = i.op == isa::vector_op::kFill;
    const bool binary =
        !fill && i.op != isa::vector_op::kConvert && i.op != isa::vector_op::kLookup;
    std::int64_t reads = fill ? 0 : rows_of(i.a_lane, i.a_type) * i.rows;
    if (binary) reads += rows_of(i.b_lane, i.b_type) * (i.broadcast != 0 ? 1 : i.rows);
    moves(c, from, reads, rows_of(i.to_lane, i.to_type) * i.rows);
  }
  void work(const isa::Pool& i, Clock& c, std::int64_t from) {
    const std::int64_t pixel = machine_.ub_rows_of(i.n * isa::element_bytes(i.type), i.lane);
    const std::int64_t out = i.out_height * i.out_width;
    moves(c, from, out * i.kernel_y * i.kernel_x * pixel, out * pixel);
  }
  void work(const isa::Copy& i, Clock& c, std::int64_t from) {
    moves(c, from, i.rows * machine_.ub_rows_of(i.bytes, i.lane),
          i.rows * machine_.ub_rows_of(i.bytes, i.to_lane));
  }

  void moves(Clock& c, std::int64_t from, std::int64_t reads, std::int64_t writes) {
    // 0 ports are no limit; the unit then moves a row a cycle.
    const auto cycles_of = [](std::int64_t rows, std::int64_t ports) {
      return ceil_div(rows, std::max<std::int64_t>(ports, 1));
    };
    const std::int64_t cycles = std::max(cycles_of(reads, machine_.unified_buffer_read_ports),
                                         cycles_of(writes, machine_.unified_buffer_write_ports));
    busy(c, from, cycles, layer().vector, machine_.vector_depth);
  }

  void busy(Clock& c, std::int64_t from, std::int64_t cycles, std::int64_t& account,
            std::int64_t depth) {
    const std::int64_t s = std::max(from + 1, c.free);  // a port is granted a cycle later
    c.free = s + cycles;
    account += cycles;
    start(c, s, c.free + depth);
  }

  // --- host link ---
  void work(const isa::ReadHost& i, Clock& c, std::int64_t from) {
    transfer(i.rows * i.bytes, machine_.link_in_bytes_per_second, c, from, layer().link_in);
  }
  void work(const isa::ReadParams& i, Clock& c, std::int64_t from) {
    transfer(i.rows * machine_.param_row_bytes(), machine_.link_in_bytes_per_second, c, from,
             layer().link_in);
  }
  void work(const isa::WriteHost& i, Clock& c, std::int64_t from) {
    transfer(i.rows * i.bytes, machine_.link_out_bytes_per_second, c, from, layer().link_out);
  }

  void transfer(std::int64_t bytes, std::int64_t bytes_per_second, Clock& c, std::int64_t from,
                std::int64_t& account) {
    const std::int64_t s = std::max(from, c.free);
    const std::int64_t cycles =
        std::llround(static_cast<double>(bytes) * static_cast<double>(machine_.clock_hertz) /
                     static_cast<double>(bytes_per_second));
    c.free = s + cycles;
    account += cycles;
    start(c, s, c.free + machine_.link_latency);
  }

  // What comes after the last pass belongs to the last layer.
  void finish() { layer().cycles += std::max<std::int64_t>(0, end_ - matrix_end_); }

  const isa::Program& program_;
  const isa::Machine& machine_;
  std::vector<LayerPrediction> layers_;
  std::array<Clock, isa::kUnitCount> clocks_{};
  std::int64_t layer_ = 0;
  std::int64_t now_ = 0;  // of the sequencer
  std::int64_t end_ = 0;  // everything so far is complete
  std::int64_t matrix_end_ = 0;
  std::int64_t left_ = 0;         // the latest pass has left the array
  std::int64_t shadow_free_ = 0;  // T4
  std::int64_t memory_ = 0;       // weight memory is free
  std::int64_t switches_ = 0;
  std::vector<std::int64_t> whole_, shifted_;  // by tile: whole in the FIFO, shifted in
};

}  // namespace

std::string_view LayerPrediction::bound() const {
  const std::array<std::pair<std::int64_t, std::string_view>, 7> resources = {
      {{matrix, "compute"},
       {shift, "weight shift"},
       {weights, "weights"},
       {activation, "activation"},
       {vector, "vector"},
       {link_in, "link in"},
       {link_out, "link out"}}};
  return std::max_element(resources.begin(), resources.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

std::vector<LayerPrediction> predict(const isa::Program& program) {
  return Timeline(program).run();
}

}  // namespace systole::compiler
