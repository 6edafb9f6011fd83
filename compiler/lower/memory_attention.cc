// Attention: head by head, in blocks (story in memory_attention.h).
#include "compiler/lower/memory_attention.h"

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

using attention::Block;
using attention::kElement;
using attention::kLine;
using attention::kScore;
using attention::matrix;
using attention::padded;
using attention::Parts;
using attention::weights;
using isa::Unit;

// --- fused ---

// Where step `number`'s operands lie: two places, taken in turn.
class Fused {
 public:
  Fused(const isa::Machine& machine, const Attention& shape, const FusedBlocks& blocks,
        Waits& waits)
      : m_(machine),
        s_(shape),
        queries_(std::min(blocks.queries, shape.queries)),
        keys_(std::min(blocks.keys, shape.keys)),
        waits_(waits),
        write_(machine, waits) {}

  void run() {
    const std::int64_t steps = s_.heads * across() * along();
    load(0);
    for (std::int64_t step = 0; step < steps; ++step) {
      if (step > 0) waits_.barrier();
      ready_ = loaded_;
      if (step + 1 < steps) load(step + 1);
      store_results();
      work(step);
    }
    store_results();
  }

 private:
  [[nodiscard]] std::int64_t across() const { return ceil_div(s_.queries, queries_); }
  [[nodiscard]] std::int64_t along() const { return ceil_div(s_.keys, keys_); }
  [[nodiscard]] std::int64_t q_rows(std::int64_t step) const {
    return std::min(queries_, s_.queries - step / along() % across() * queries_);
  }
  [[nodiscard]] std::int64_t k_rows(std::int64_t step) const {
    return std::min(keys_, s_.keys - step % along() * keys_);
  }
  // Buffer rows of a place: Q, K^T, V.
  [[nodiscard]] std::int64_t k_at() const { return queries_ * write_.row_rows(s_.width); }
  [[nodiscard]] std::int64_t v_at() const {
    return k_at() + write_.blocks(keys_) * s_.width * write_.weight_rows(keys_);
  }
  [[nodiscard]] std::int64_t place_rows() const {
    return v_at() + ceil_div(keys_, m_.r()) * m_.r() * write_.row_rows(s_.width);
  }
  [[nodiscard]] std::int64_t head_bytes(std::int64_t rows) const {
    return rows * s_.width * kElement;
  }

  void load(std::int64_t step) {
    const std::int64_t base = step % 2 * place_rows();
    const std::int64_t head = step / (along() * across());
    const std::int64_t block = step / along() % across();
    const std::int64_t keys = k_rows(step);
    const std::int64_t k = s_.heads * head_bytes(s_.queries) +
                           head_bytes(head * padded(s_.keys) + step % along() * keys_);
    loaded_ = write_.load(head_bytes(head * s_.queries + block * queries_), base, q_rows(step),
                          head_bytes(1));
    for (std::int64_t column = 0; column < write_.blocks(keys); ++column) {
      loaded_ = write_.load(k + head_bytes(column * m_.c()),
                            base + k_at() + column * s_.width * write_.weight_rows(keys), s_.width,
                            write_.columns(keys, column) * kElement);
    }
    loaded_ =
        write_.load(k + s_.heads * head_bytes(padded(s_.keys)), base + v_at(), keys, head_bytes(1));
  }

  // A step's rows of queries are dealt to the units where each has a tile's worth.
  void work(std::int64_t step) {
    const std::int64_t rows = q_rows(step), keys = k_rows(step);
    const std::int64_t units = rows >= m_.array_units * m_.r() ? m_.array_units : 1;
    const std::int64_t each = ceil_div(rows, units);
    std::vector<Block> blocks;
    for (std::int64_t u = 0; u < units; ++u) blocks.push_back(block(step, u, each, rows, keys));
    attend(blocks);
    results_.clear();
    if (step % along() + 1 < along()) return;
    const std::int64_t out = s_.heads * head_bytes(s_.queries + 2 * padded(s_.keys)) +
                             head_bytes(step / along() * queries_);
    for (const Block& b : blocks) results_.push_back({b, out + head_bytes(b.unit * each)});
  }
  // Column block by column block, all units beside each other.
  void attend(const std::vector<Block>& blocks) {
    const std::int64_t columns = write_.blocks(blocks.front().keys);
    std::vector<std::int64_t> done;
    for (std::int64_t column = 0; column < columns; ++column)
      for (const Block& b : blocks) done.push_back(write_.score(b, column, isa::type::kBf16));
    for (std::int64_t i = 0; i < std::ssize(done); ++i) {
      const Block& b = blocks[static_cast<std::size_t>(i % std::ssize(blocks))];
      std::int64_t& number = done[static_cast<std::size_t>(i)];
      number = write_.soften(b, i / std::ssize(blocks), number, isa::type::kBf16);
    }
    const std::int64_t last = done.back();
    for (std::int64_t slice = 0; slice < write_.slices(blocks.front().keys); ++slice) {
      for (std::size_t u = 0; u < blocks.size(); ++u) {
        const std::size_t at = static_cast<std::size_t>(slice) * blocks.size() + u;
        write_.weigh(blocks[u], slice, m_.r() == m_.c() ? done[at] : last);
      }
    }
  }
  // Results leave beside the step that follows.
  void store_results() {
    for (const Result& r : results_) write_.store(r.block, r.dram, r.block.o, head_bytes(1));
    results_.clear();
  }
  struct Result {
    Block block;
    std::int64_t dram;
  };
  [[nodiscard]] Block block(std::int64_t step, std::int64_t unit, std::int64_t each,
                            std::int64_t rows, std::int64_t keys) const {
    const std::int64_t base = step % 2 * place_rows();
    const std::int64_t wide = write_.blocks(keys_);
    // As for a whole block of queries: results of a step are stored beside the next.
    const std::int64_t own =
        queries_ *
        (wide * (write_.score_rows(keys_) + write_.weight_rows(keys_)) + write_.row_rows(s_.width));
    const std::int64_t at = 2 * place_rows() + (step % 2 * m_.array_units + unit) * own;
    Block b{
        .unit = unit, .rows = std::min(each, rows - unit * each), .keys = keys, .width = s_.width};
    b.loaded = ready_;
    b.q = base + unit * each * write_.row_rows(s_.width);
    b.k = base + k_at();
    b.v = base + v_at();
    b.scores = at;
    b.weights = at + each * wide * write_.score_rows(keys_);
    b.o = b.weights + each * wide * write_.weight_rows(keys_);
    return b;
  }

  const isa::Machine& m_;
  Attention s_;
  std::int64_t queries_, keys_;
  Waits& waits_;
  Parts write_;
  std::vector<Result> results_;          // of the step before
  std::int64_t loaded_ = 0, ready_ = 0;  // numbers of the last load, and of the step at work
};

// --- in three operations ---

// Heads lie side by side in a row, as many as fit: a group, which has a place in the buffer.
class Whole {
 public:
  Whole(const isa::Machine& machine, const Attention& shape, Waits& waits)
      : m_(machine), s_(shape), waits_(waits), write_(machine, waits) {
    side_ = std::clamp<std::int64_t>(m_.unified_buffer_row_bytes / bytes(1), 1, s_.heads);
    while (!cut() && side_ > 1) side_ = ceil_div(side_, 2);
    if (places_ >= 1) return;
    throw InputError("machine " + m_.name, fmt::format("holds no scores of {} keys", s_.keys),
                     "a larger unified_buffer.bytes");
  }

  void run() {
    for (std::int64_t head = 0; head < s_.heads; ++head) score(head);
    waits_.barrier();
    places_used_ = {};
    if (fits_) {
      for (std::int64_t head = 0; head < s_.heads; ++head) soften(head, 0);
      waits_.barrier();
    }
    for (std::int64_t head = 0; head < s_.heads; ++head) weigh(head);
  }

 private:
  static constexpr std::int64_t kMostPlaces = 64;  // groups that are at work
  static constexpr std::size_t kMostUnits = 8;

  // What used a place last: numbers of its instructions.
  struct Used {
    std::array<std::int64_t, kMostUnits> tile{}, pass{};
    std::int64_t vector = 0, stored = 0, loaded = 0;
  };

  // Whether there is a place at least, and scores for it.
  bool cut() {
    places_ = std::clamp<std::int64_t>(m_.ub_rows() / 8 / place_rows(), 1, kMostPlaces);
    const std::int64_t free = std::max<std::int64_t>(0, m_.ub_rows() - places_ * place_rows());
    const std::int64_t each = score_rows() + weight_rows();
    fits_ = s_.heads * each <= free;
    if (!fits_) places_ = std::min(places_, free / (side_ * each));
    return places_ >= 1;
  }
  [[nodiscard]] std::int64_t score_rows() const {
    return s_.queries * write_.blocks(s_.keys) * write_.score_rows(s_.keys);
  }
  [[nodiscard]] std::int64_t weight_rows() const {
    return s_.queries * write_.blocks(s_.keys) * write_.weight_rows(s_.keys);
  }
  // A place: Q and O, each head's K^T, V.
  [[nodiscard]] std::int64_t row_rows() const { return write_.row_rows(side_ * s_.width); }
  [[nodiscard]] std::int64_t k_rows() const {
    return write_.blocks(s_.keys) * s_.width * write_.weight_rows(s_.keys);
  }
  [[nodiscard]] std::int64_t k_at() const { return s_.queries * row_rows(); }
  [[nodiscard]] std::int64_t v_at() const { return k_at() + side_ * k_rows(); }
  [[nodiscard]] std::int64_t place_rows() const {
    return v_at() + ceil_div(s_.keys, m_.r()) * m_.r() * row_rows();
  }
  [[nodiscard]] std::int64_t bytes(std::int64_t rows) const { return rows * s_.width * kElement; }
  // Of a row of the group that a head is of, which begins with head `first`.
  [[nodiscard]] std::int64_t group_bytes(std::int64_t first) const {
    return bytes(std::min(side_, s_.heads - first));
  }
  [[nodiscard]] std::int64_t first_of(std::int64_t head) const { return head / side_ * side_; }
  [[nodiscard]] bool is_last(std::int64_t head) const {
    return head + 1 == s_.heads || (head + 1) % side_ == 0;
  }
  [[nodiscard]] Used& used(std::int64_t head) {
    return places_used_[static_cast<std::size_t>(head / side_ % places_)];
  }

  [[nodiscard]] Block block(std::int64_t head) const {
    const std::int64_t base = head / side_ % places_ * place_rows();
    const std::int64_t heads = fits_ ? s_.heads : places_ * side_;
    const std::int64_t kept = head % heads;
    Block b{.unit = head % m_.array_units, .rows = s_.queries, .keys = s_.keys, .width = s_.width};
    b.q = b.o = base;
    b.lane = b.v_lane = b.o_lane = head % side_ * bytes(1);
    b.k = base + k_at() + head % side_ * k_rows();
    b.v = base + v_at();
    b.scores = places_ * place_rows() + kept * score_rows();
    b.weights = places_ * place_rows() + heads * score_rows() + kept * weight_rows();
    return b;
  }
  // Scores of a head in memory, column block by column block.
  [[nodiscard]] std::int64_t scores_at(std::int64_t head, std::int64_t column) const {
    const std::int64_t heads = s_.heads * bytes(2 * s_.queries + 2 * padded(s_.keys));
    return heads + (head * padded(s_.keys) + column * m_.c()) * s_.queries * kScore;
  }

  void score(std::int64_t head) {
    Block b = block(head);
    Used& place = used(head);
    if (head % side_ == 0) {
      wait_place(place);
      write_.load(bytes(head * s_.queries), b.q, s_.queries, group_bytes(head));
    }
    for (std::int64_t column = 0; column < write_.blocks(s_.keys); ++column) {
      b.loaded =
          write_.load(bytes(s_.heads * s_.queries + head * padded(s_.keys) + column * m_.c()),
                      b.k + column * s_.width * write_.weight_rows(s_.keys), s_.width,
                      write_.columns(s_.keys, column) * kElement);
    }
    b.stored = place.stored;
    for (std::int64_t column = 0; column < write_.blocks(s_.keys); ++column)
      write_.score(b, column);
    note(b, place);
    std::int64_t stored = place.stored;
    for (std::int64_t column = 0; !fits_ && column < write_.blocks(s_.keys); ++column) {
      stored = write_.store(b, scores_at(head, column),
                            b.scores + column * s_.queries * write_.score_rows(s_.keys),
                            write_.columns(s_.keys, column) * kScore);
    }
    if (is_last(head)) place.stored = stored;
  }

  std::int64_t soften(std::int64_t head, std::int64_t loaded) {
    Block b = block(head);
    b.loaded = loaded;
    std::int64_t last = 0;
    for (std::int64_t column = 0; column < write_.blocks(s_.keys); ++column)
      last = write_.soften(b, column, 0);
    return last;
  }

  void weigh(std::int64_t head) {
    Block b = block(head);
    Used& place = used(head);
    if (head % side_ == 0) {
      wait_place(place);
      place.loaded =
          write_.load(bytes(s_.heads * (s_.queries + padded(s_.keys)) + head * padded(s_.keys)),
                      b.v, s_.keys, group_bytes(head));
    }
    b.loaded = place.loaded;
    for (std::int64_t column = 0; !fits_ && column < write_.blocks(s_.keys); ++column) {
      b.loaded = write_.load(scores_at(head, column),
                             b.scores + column * s_.queries * write_.score_rows(s_.keys),
                             s_.queries, write_.columns(s_.keys, column) * kScore);
    }
    b.stored = place.stored;
    std::int64_t softened = 0;
    if (!fits_) {
      const auto unit = static_cast<std::size_t>(b.unit);
      waits_.need(Unit::kVector, matrix(b.unit), place.pass.at(unit), isa::why::kWar);
      softened = soften(head, b.loaded);
      place.vector = softened;
    }
    for (std::int64_t slice = 0; slice < write_.slices(s_.keys); ++slice)
      write_.weigh(b, slice, softened);
    note(b, place);
    if (is_last(head)) store(b, head, place);
  }

  // Results of a group, once all of its heads are weighed.
  void store(const Block& b, std::int64_t head, Used& place) {
    const std::int64_t first = first_of(head);
    const std::int64_t o =
        s_.heads * bytes(s_.queries + 2 * padded(s_.keys)) + bytes(first * s_.queries);
    for (std::int64_t u = 0; u < m_.array_units; ++u) {
      const Unit of = attention::activation(u);
      waits_.need(Unit::kStore, of, waits_.sent(of), isa::why::kRaw);
    }
    place.stored = write_.store(b, o, b.o, group_bytes(first));
  }

  // A place is loaded again when what it held has been multiplied, softened and stored.
  void wait_place(const Used& place) {
    for (std::int64_t u = 0; u < m_.array_units; ++u) {
      const auto unit = static_cast<std::size_t>(u);
      waits_.need(Unit::kLoad, weights(u), place.tile.at(unit), isa::why::kWar);
      waits_.need(Unit::kLoad, matrix(u), place.pass.at(unit), isa::why::kWar);
    }
    waits_.need(Unit::kLoad, Unit::kVector, place.vector, isa::why::kWar);
    waits_.need(Unit::kLoad, Unit::kStore, place.stored, isa::why::kWar);
  }
  void note(const Block& b, Used& place) {
    const auto unit = static_cast<std::size_t>(b.unit);
    place.tile.at(unit) = waits_.sent(weights(b.unit));
    place.pass.at(unit) = waits_.sent(matrix(b.unit));
  }

  const isa::Machine& m_;
  Attention s_;
  Waits& waits_;
  Parts write_;
  bool fits_ = false;
  std::int64_t side_ = 1, places_ = 0;
  std::array<Used, kMostPlaces> places_used_{};
};

isa::Program begin(const isa::Machine& machine, const Attention& s, const char* kind) {
  if (machine.c() < kLine) {
    throw InputError("machine " + machine.name, "is not wide enough for rows in lines of 128",
                     "array.columns of 128 at least");
  }
  isa::Program program;
  program.model = fmt::format("{}:{},{},{},{}", kind, s.heads, s.queries, s.keys, s.width);
  program.machine = machine;
  program.has_values = false;
  program.weight_bytes = s.heads * s.width * kElement * (s.queries + 2 * padded(s.keys));
  program.layers = {{"(none)", "none", 0, 0},
                    {kind, "block", 2 * s.heads * s.queries * s.keys * s.width, 0}};
  program.code.emplace_back(isa::Tag{.layer = 1});
  return program;
}

}  // namespace

isa::Program memory_attention(const isa::Machine& machine, const Attention& shape) {
  isa::Program program = begin(machine, shape, "attention");
  Waits waits(program.code);
  Whole(machine, shape, waits).run();
  program.code.emplace_back(isa::Halt{});
  return program;
}

isa::Program memory_fused_attention(const isa::Machine& machine, const Attention& shape,
                                    const FusedBlocks& blocks) {
  isa::Program program = begin(machine, shape, "fused_attention");
  Waits waits(program.code);
  Fused(machine, shape, blocks, waits).run();
  program.code.emplace_back(isa::Halt{});
  return program;
}

}  // namespace systole::compiler
