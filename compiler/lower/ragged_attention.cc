// Ragged attention: step by step, head by head (story in ragged_attention.h).
#include "compiler/lower/ragged_attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/diag.h"
#include "base/units.h"
#include "compiler/lower/attention_parts.h"
#include "compiler/lower/memory_waits.h"

namespace systole::compiler {
namespace {

using attention::activation;
using attention::Block;
using attention::kElement;
using attention::matrix;
using attention::padded;
using attention::Parts;
using attention::weights;
using isa::Unit;

constexpr std::size_t kMostUnits = 8;

// A block of queries against a block of a sequence's keys.
struct Step {
  std::int64_t block = 0, sequence = 0, first_key = 0, keys = 0;
  bool begins = false, ends = false;  // the block of queries
  std::int64_t loaded = 0;            // number of the last load of its operands
};

class Ragged {
 public:
  Ragged(const isa::Machine& machine, const RaggedAttention& shape, const RaggedBlocks& blocks,
         Waits& waits)
      : m_(machine),
        s_(shape),
        queries_(std::min(blocks.queries, shape.sequences * shape.queries)),
        keys_(std::min(blocks.keys, shape.keys)),
        waits_(waits),
        write_(machine, waits) {
    added_.resize(static_cast<std::size_t>(s_.heads));
    side_ = std::clamp<std::int64_t>(m_.unified_buffer_row_bytes / bytes(1), 1, s_.heads);
    plan();
    if (end_ <= m_.ub_rows()) return;
    throw InputError("machine " + m_.name, fmt::format("holds no block of {} keys", keys_),
                     "a larger unified_buffer.bytes");
  }

  // A step begins when the one before is done. While the passes of a head's scores run, the next
  // head's keys and values are taken out; what a head adds follows the softmax of the next one.
  void run() {
    all_steps();
    load(0);
    masked_ = waits_.push(isa::Vector{.op = isa::vector_op::kFill,
                                      .a_type = isa::type::kF32,
                                      .b_type = isa::type::kF32,
                                      .to = mask_,
                                      .to_type = isa::type::kF32,
                                      .rows = 1,
                                      .n = m_.c()});
    for (std::int64_t step = 0; step < std::ssize(steps_); ++step) {
      if (step > 0) waits_.barrier();
      if (step + 1 < std::ssize(steps_)) load(step + 1);
      const std::int64_t first = step * s_.heads, end = first + s_.heads;
      take(first);
      for (std::int64_t i = first; i < end; ++i) {
        score(i);
        if (i + 1 < end) take(i + 1);
        weigh(i);
        if (i > first) add(i - 1);
      }
      add(end - 1);
    }
  }

 private:
  // Where a head at work has its parts, as buffer rows, and numbers of the last instructions that
  // used them. Each unit has two.
  struct Scratch {
    std::int64_t k = 0, v = 0, scores = 0, weights = 0, o = 0;
    std::int64_t taken = 0, scored = 0, softened = 0, activated = 0, added = 0, tile = 0, pass = 0;
  };

  [[nodiscard]] std::int64_t bytes(std::int64_t rows) const { return rows * s_.width * kElement; }
  [[nodiscard]] std::int64_t rows() const { return queries_ * s_.group; }
  [[nodiscard]] std::int64_t groups() const { return ceil_div(s_.heads, side_); }
  [[nodiscard]] std::int64_t row_rows() const { return write_.row_rows(side_ * s_.width); }
  [[nodiscard]] std::int64_t k_rows() const {
    return write_.blocks(keys_) * s_.width * write_.weight_rows(keys_);
  }
  [[nodiscard]] std::int64_t v_rows() const { return ceil_div(keys_, m_.r()) * m_.r(); }
  [[nodiscard]] std::int64_t queries_rows() const { return groups() * rows() * row_rows(); }

  // Two places of keys and values, two of queries, two of results, scratch of each unit.
  void plan() {
    const std::int64_t wide = write_.blocks(keys_);
    place_ = s_.heads * k_rows() + groups() * v_rows() * row_rows();
    q_ = 2 * place_;
    o_ = q_ + 2 * queries_rows();
    mask_ = o_ + 2 * queries_rows();
    end_ = mask_ + m_.ub_rows_of(m_.c() * 4);
    for (std::int64_t i = 0; i < 2 * m_.array_units; ++i) {
      Scratch& s = scratch_.at(static_cast<std::size_t>(i));
      s.k = end_;
      s.v = s.k + k_rows();
      s.scores = s.v + v_rows() * write_.row_rows(s_.width);
      s.weights = s.scores + rows() * wide * write_.score_rows(keys_);
      s.o = s.weights + rows() * wide * write_.weight_rows(keys_);
      end_ = s.o + rows() * write_.row_rows(s_.width);
    }
  }

  void all_steps() {
    const std::int64_t tokens = s_.sequences * s_.queries;
    for (std::int64_t block = 0; block * queries_ < tokens; ++block) {
      const std::int64_t last = std::min(tokens, (block + 1) * queries_) - 1;
      const std::size_t begin = steps_.size();
      for (std::int64_t n = block * queries_ / s_.queries; n <= last / s_.queries; ++n) {
        for (std::int64_t key = 0; key < s_.keys; key += keys_)
          steps_.push_back({block, n, key, std::min(keys_, s_.keys - key)});
      }
      steps_[begin].begins = true;
      steps_.back().ends = true;
    }
  }

  // Memory: queries, K^T and V of each head of each sequence, results.
  [[nodiscard]] std::int64_t all_queries() const {
    return bytes(ceil_div(s_.sequences * s_.queries, queries_) * rows() * s_.heads);
  }
  [[nodiscard]] std::int64_t all_keys() const {
    return bytes(s_.sequences * s_.heads * padded(s_.keys));
  }

  void load(std::int64_t number) {
    Step& step = steps_[static_cast<std::size_t>(number)];
    const std::int64_t base = number % 2 * place_;
    waits_.need(Unit::kLoad, Unit::kVector, place_taken_.at(static_cast<std::size_t>(number % 2)),
                isa::why::kWar);
    const std::int64_t sequence = step.sequence * s_.heads;
    for (std::int64_t head = 0; head < s_.heads; ++head) {
      const std::int64_t k =
          all_queries() + bytes((sequence + head) * padded(s_.keys) + step.first_key);
      for (std::int64_t column = 0; column < write_.blocks(step.keys); ++column) {
        write_.load(k + bytes(column * m_.c()),
                    base + head * k_rows() + column * s_.width * write_.weight_rows(keys_),
                    s_.width, write_.columns(step.keys, column) * kElement);
      }
    }
    for (std::int64_t group = 0; group < groups(); ++group) {
      const std::int64_t heads = std::min(side_, s_.heads - group * side_);
      const std::int64_t v =
          all_queries() + all_keys() +
          bytes((sequence + group * side_) * padded(s_.keys) + step.first_key * heads);
      step.loaded = write_.load(v, base + s_.heads * k_rows() + group * v_rows() * row_rows(),
                                step.keys, bytes(heads));
    }
    if (!step.begins) return;
    const auto place = static_cast<std::size_t>(step.block % 2);
    for (std::int64_t u = 0; u < m_.array_units; ++u) {
      waits_.need(Unit::kLoad, matrix(u), queries_taken_.at(place).at(static_cast<std::size_t>(u)),
                  isa::why::kWar);
    }
    for (std::int64_t group = 0; group < groups(); ++group) {
      const std::int64_t heads = std::min(side_, s_.heads - group * side_);
      const std::int64_t q = bytes((step.block * s_.heads + group * side_) * rows());
      step.loaded = write_.load(q, queries_at(q_, step, group), rows(), bytes(heads));
    }
  }
  [[nodiscard]] std::int64_t queries_at(std::int64_t base, const Step& step,
                                        std::int64_t group) const {
    return base + step.block % 2 * queries_rows() + group * rows() * row_rows();
  }

  struct Operand {
    std::int64_t ub = 0, lane = 0;
  };
  [[nodiscard]] const Step& step_of(std::int64_t item) const {
    return steps_[static_cast<std::size_t>(item / s_.heads)];
  }
  [[nodiscard]] Scratch& scratch_of(std::int64_t item) {
    return scratch_.at(static_cast<std::size_t>(item % (2 * m_.array_units)));
  }
  [[nodiscard]] Block block(std::int64_t item) {
    const Scratch& s = scratch_of(item);
    const Step& step = step_of(item);
    const std::int64_t head = item % s_.heads;
    Block b{.unit = item % m_.array_units, .rows = rows(), .keys = step.keys, .width = s_.width};
    b.q = queries_at(q_, step, head / side_);
    b.lane = head % side_ * bytes(1);
    b.k = s.k;
    b.v = s.v;
    b.scores = s.scores;
    b.weights = s.weights;
    b.o = s.o;
    b.loaded = step.loaded;
    b.prepared = s.taken;
    b.taken = std::max(s.softened, s.added);
    return b;
  }

  // Out of the block and masked, which the kernel does in binary32.
  std::int64_t take(const Operand& from, std::int64_t to, std::int64_t rows, std::int64_t n) {
    return waits_.push(isa::Vector{.op = isa::vector_op::kMul,
                                   .a = from.ub,
                                   .a_lane = from.lane,
                                   .a_type = isa::type::kBf16,
                                   .b = mask_,
                                   .b_type = isa::type::kF32,
                                   .broadcast = 1,
                                   .to = to,
                                   .to_type = isa::type::kBf16,
                                   .rows = rows,
                                   .n = n});
  }
  // K and V of a head.
  void take(std::int64_t item) {
    const Step& step = step_of(item);
    Scratch& s = scratch_of(item);
    const std::int64_t base = item / s_.heads % 2 * place_, head = item % s_.heads;
    waits_.need(Unit::kVector, Unit::kLoad, step.loaded, isa::why::kRaw);
    waits_.need(Unit::kVector, weights(item % m_.array_units), s.tile, isa::why::kWar);
    waits_.need(Unit::kVector, Unit::kVector, masked_, isa::why::kRaw);
    for (std::int64_t column = 0; column < write_.blocks(step.keys); ++column) {
      const std::int64_t at = column * s_.width * write_.weight_rows(keys_);
      take({.ub = base + head * k_rows() + at}, s.k + at, s_.width,
           write_.columns(step.keys, column));
    }
    const std::int64_t v = base + s_.heads * k_rows() + head / side_ * v_rows() * row_rows();
    s.taken = take({v, head % side_ * bytes(1)}, s.v, step.keys, s_.width);
    place_taken_.at(static_cast<std::size_t>(item / s_.heads % 2)) = s.taken;
  }

  void score(std::int64_t item) {
    const Block b = block(item);
    for (std::int64_t column = 0; column < write_.blocks(b.keys); ++column)
      scratch_of(item).scored = write_.score(b, column);
    queries_taken_.at(static_cast<std::size_t>(step_of(item).block % 2))
        .at(static_cast<std::size_t>(b.unit)) = waits_.sent(matrix(b.unit));
  }

  // Scores scaled and masked, their softmax, and that times V.
  void weigh(std::int64_t item) {
    Block b = block(item);
    Scratch& s = scratch_of(item);
    waits_.need(Unit::kVector, activation(b.unit), s.scored, isa::why::kRaw);
    for (std::int64_t column = 0; column < write_.blocks(b.keys); ++column) {
      const std::int64_t at = b.scores + column * b.rows * write_.score_rows(b.keys);
      s.softened = waits_.push(isa::Vector{.op = isa::vector_op::kConvert,
                                           .a = at,
                                           .a_type = isa::type::kF32,
                                           .b_type = isa::type::kF32,
                                           .to = at,
                                           .to_type = isa::type::kF32,
                                           .rows = b.rows,
                                           .n = write_.columns(b.keys, column)});
    }
    waits_.need(Unit::kVector, Unit::kVector, s.softened, isa::why::kRaw);
    waits_.need(Unit::kVector, matrix(b.unit), s.pass, isa::why::kWar);
    for (std::int64_t column = 0; column < write_.blocks(b.keys); ++column)
      s.softened = write_.soften(b, column, s.scored);
    for (std::int64_t slice = 0; slice < write_.slices(b.keys); ++slice)
      write_.weigh(b, slice, s.softened);
    s.tile = waits_.sent(weights(b.unit));
    s.pass = waits_.sent(matrix(b.unit));
    s.activated = waits_.sent(activation(b.unit));
  }

  // What a step adds to the head's result so far.
  void add(std::int64_t item) {
    const Step& step = step_of(item);
    Scratch& s = scratch_of(item);
    const std::int64_t head = item % s_.heads, lane = head % side_ * bytes(1);
    const std::int64_t at = queries_at(o_, step, head / side_);
    const auto place = static_cast<std::size_t>(step.block % 2);
    waits_.need(Unit::kVector, activation(item % m_.array_units), s.activated, isa::why::kRaw);
    if (step.begins) waits_.need(Unit::kVector, Unit::kStore, stored_.at(place), isa::why::kWar);
    if (!step.begins)
      waits_.need(Unit::kVector, Unit::kVector, added_.at(static_cast<std::size_t>(head)),
                  isa::why::kRaw);
    s.added = waits_.push(isa::Vector{.op = isa::vector_op::kAdd,
                                      .a = s.o,
                                      .a_type = isa::type::kBf16,
                                      .b = step.begins ? s.o : at,
                                      .b_lane = step.begins ? 0 : lane,
                                      .b_type = isa::type::kBf16,
                                      .to = at,
                                      .to_lane = lane,
                                      .to_type = isa::type::kBf16,
                                      .rows = rows(),
                                      .n = s_.width});
    added_.at(static_cast<std::size_t>(head)) = s.added;
    if (step.ends && head + 1 == s_.heads) store(step);
  }

  void store(const Step& step) {
    waits_.need(Unit::kStore, Unit::kVector, waits_.sent(Unit::kVector), isa::why::kRaw);
    for (std::int64_t group = 0; group < groups(); ++group) {
      const std::int64_t heads = std::min(side_, s_.heads - group * side_);
      const std::int64_t dram =
          all_queries() + 2 * all_keys() + bytes((step.block * s_.heads + group * side_) * rows());
      stored_.at(static_cast<std::size_t>(step.block % 2)) =
          waits_.push(isa::Store{.dram = dram,
                                 .stride = bytes(heads),
                                 .ub = queries_at(o_, step, group),
                                 .rows = rows(),
                                 .bytes = bytes(heads)});
    }
  }

  const isa::Machine& m_;
  RaggedAttention s_;
  std::int64_t queries_, keys_;
  Waits& waits_;
  Parts write_;
  std::int64_t side_ = 1;
  std::int64_t place_ = 0, q_ = 0, o_ = 0, mask_ = 0, end_ = 0;  // buffer rows
  std::int64_t masked_ = 0;                                      // number of what filled the mask
  std::vector<Step> steps_;
  std::array<Scratch, 2 * kMostUnits> scratch_{};
  std::vector<std::int64_t> added_;  // by head: number of the last addition
  std::array<std::int64_t, 2> place_taken_{}, stored_{};
  std::array<std::array<std::int64_t, kMostUnits>, 2> queries_taken_{};
};

}  // namespace

isa::Program memory_ragged_attention(const isa::Machine& machine, const RaggedAttention& shape,
                                     const RaggedBlocks& blocks) {
  if (machine.c() < attention::kLine) {
    throw InputError("machine " + machine.name, "is not wide enough for rows in lines of 128",
                     "array.columns of 128 at least");
  }
  const std::int64_t heads = shape.sequences * shape.heads;
  const std::int64_t queries = shape.group * shape.queries;
  isa::Program program;
  program.model =
      fmt::format("ragged_attention:{},{},{},{}", heads, queries, shape.keys, shape.width);
  program.machine = machine;
  program.has_values = false;
  const std::int64_t tokens = shape.sequences * shape.queries;
  const std::int64_t block = std::min(blocks.queries, tokens);
  program.weight_bytes = shape.width * kElement *
                         (ceil_div(tokens, block) * block * shape.group * shape.heads +
                          2 * heads * padded(shape.keys));
  program.layers = {
      {"(none)", "none", 0, 0},
      {"ragged_attention", "block", 2 * heads * queries * shape.keys * shape.width, 0}};
  program.code.emplace_back(isa::Tag{.layer = 1});
  Waits waits(program.code);
  Ragged(machine, shape, blocks, waits).run();
  program.code.emplace_back(isa::Halt{});
  return program;
}

}  // namespace systole::compiler
