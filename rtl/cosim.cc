// Co-simulation: the sender that obeys the RTL's ready flags, and the comparison.
#include "rtl/cosim.h"

#include <algorithm>

#include "base/diag.h"
#include "isa/precisions.h"

namespace systole::rtl {
namespace {

// More cycles than any pause of a case lasts.
constexpr CycleCount kPatience{100'000};

bool is_wide(const isa::Matmul& insn) {
  return isa::precision_info(insn.precision).row_cycles == 2;
}

// Feeds a model, cycle by cycle, with the tiles and passes of a script.
class Sender {
 public:
  Sender(MatrixModel& model, const Script& script, const FaultSpan& fault)
      : model_(model), script_(script), fault_(fault) {}

  Behaviour run() {
    while (now_ < end_ || next_pass_ < script_.passes.size()) {
      cycle();
      SYSTOLE_CHECK(now_ < last_progress_ + kPatience, "no pass can start after cycle {}",
                    last_progress_.value);
      now_ += CycleCount(1);
    }
    for (std::int64_t row = 0; row < kAccumulatorRows; ++row) {
      const std::vector<std::int32_t> sums = model_.accumulators(row);
      result_.accumulators.insert(result_.accumulators.end(), sums.begin(), sums.end());
    }
    std::ranges::sort(result_.writes);
    return std::move(result_);
  }

 private:
  void cycle() {
    Inputs inputs;
    if (fault_.begin <= now_ && now_ < fault_.end) inputs.fault = fault_.fault;
    const bool switch_ready = model_.settle(inputs).switch_ready;
    if (sub_rows_left_ == 0) start_pass(switch_ready);
    if (sub_rows_left_ > 0) inputs.row = next_row();
    const bool shift_ready = model_.settle(inputs).shift_ready;
    if (weight_rows_left_ == 0 && shift_ready) start_shift();
    if (weight_rows_left_ > 0) inputs.weights = next_weights(model_.settle(inputs).weight_row);
    const Outputs& outputs = model_.settle(inputs);
    for (const ColumnWrite& w : outputs.writes) {
      result_.writes.push_back({now_, w.row, w.column, w.value});
    }
    result_.error = outputs.error;
    model_.clock();
  }

  // The next pass starts if it stands at the head, and its tile, if it takes one, is there.
  void start_pass(bool switch_ready) {
    if (!at_head()) return;
    const isa::Matmul& insn = script_.passes[next_pass_].insn;
    if (insn.switch_tile != 0 && !switch_ready) return;
    sub_rows_left_ = insn.rows * (is_wide(insn) ? 2 : 1);
    ++next_pass_;
    result_.passes.push_back(now_);
    const CycleCount drain(script_.machine.r() + script_.machine.c());
    end_ = now_ + CycleCount(sub_rows_left_) + drain;
    last_progress_ = now_;
  }

  [[nodiscard]] bool at_head() const {
    return next_pass_ < script_.passes.size() && script_.passes[next_pass_].ready <= now_;
  }

  ActivationRow next_row() {
    const isa::Matmul& insn = script_.passes[next_pass_ - 1].insn;
    const std::int64_t p = is_wide(insn) ? 2 : 1;
    const std::int64_t sub_row = insn.rows * p - sub_rows_left_--;
    const std::int64_t row = sub_row / p;
    const std::int64_t stride = script_.machine.unified_buffer_row_bytes;
    ActivationRow in;
    in.data = script_.buffer->data.data() + (insn.ub + row) * stride + insn.lane;
    in.lanes = insn.k;
    in.wide = is_wide(insn);
    in.is_signed = insn.is_signed != 0;
    in.zero = static_cast<std::int32_t>(insn.zero_point);
    in.columns = insn.n;
    in.address = insn.acc + row;
    in.accumulate = insn.accumulate != 0;
    in.switch_tile = insn.switch_tile != 0 && sub_row == 0;
    in.high = sub_row % p == 1;
    return in;
  }

  // The FIFO's head starts to shift once it is whole. With `single` the array is free only once no
  // pass will use the old tile any more: the next pass, at the head, switches.
  void start_shift() {
    if (next_tile_ == script_.tiles.size() || script_.tiles[next_tile_].whole > now_) return;
    const bool single = script_.machine.array_weight_load == isa::WeightLoad::kSingle;
    const bool last_use = at_head() && script_.passes[next_pass_].insn.switch_tile != 0;
    if (single && next_tile_ > 0 && !last_use) return;
    ++next_tile_;
    weight_rows_left_ = script_.machine.r();
    result_.shifts.push_back(now_);
  }

  WeightRow next_weights(std::int64_t row) {
    --weight_rows_left_;
    const Script::TileFeed& tile = script_.tiles[next_tile_ - 1];
    return {tile.data + row * script_.machine.c(), tile.zero, tile.insn.is_signed != 0, tile.insn.k,
            tile.insn.n};
  }

  MatrixModel& model_;
  const Script& script_;
  FaultSpan fault_;
  Behaviour result_;
  CyclePoint now_, end_, last_progress_;
  std::size_t next_pass_ = 0, next_tile_ = 0;
  std::int64_t sub_rows_left_ = 0;     // of the pass that is entering
  std::int64_t weight_rows_left_ = 0;  // of the tile that is shifting
};

template <typename T, typename Text>
void compare(const std::vector<T>& engine, const std::vector<T>& rtl, const char* what, Text text,
             std::vector<std::string>& found) {
  const std::size_t both = std::min(engine.size(), rtl.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (engine[i] == rtl[i]) continue;
    found.push_back(
        fmt::format("{} {}: engine {}, rtl {}", what, i, text(engine[i]), text(rtl[i])));
    return;
  }
  if (engine.size() != rtl.size()) {
    found.push_back(fmt::format("{}s: engine {}, rtl {}", what, engine.size(), rtl.size()));
  }
}

}  // namespace

Behaviour run_rtl(MatrixModel& model, const Script& script, const FaultSpan& fault) {
  return Sender(model, script, fault).run();
}

std::vector<std::string> differences(const Behaviour& engine, const Behaviour& rtl) {
  const auto at = [](CyclePoint t) { return fmt::format("in cycle {}", t.value); };
  const auto write = [&](const sim::AccumulatorWrite& w) {
    return fmt::format("{} to row {} column {} {}", w.value, w.row, w.column, at(w.at));
  };
  const auto sum = [](std::int32_t value) { return fmt::format("{}", value); };
  std::vector<std::string> found;
  compare(engine.shifts, rtl.shifts, "shift", at, found);
  compare(engine.passes, rtl.passes, "pass", at, found);
  compare(engine.writes, rtl.writes, "accumulator write", write, found);
  compare(engine.accumulators, rtl.accumulators, "accumulator", sum, found);
  if (engine.error != rtl.error) found.push_back(fmt::format("rtl error flags {}", rtl.error));
  return found;
}

}  // namespace systole::rtl
