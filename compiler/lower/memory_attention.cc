// Attention: head by head, in blocks (story in memory_attention.h).
#include "compiler/lower/memory_attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/diag.h"
#include "base/units.h"
#include "compiler/lower/memory_waits.h"
#include "isa/operand.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

using isa::Unit;

constexpr std::int64_t kElement = 2;  // bytes of a bfloat16
constexpr std::int64_t kScore = 4;    // of a binary32
// A row in memory and in the vector unit is whole lines of so many numbers: arrays lie in memory in
// tiles of 8 x 128 (XLA's documentation, "Tiled layout").
constexpr std::int64_t kLine = 128;
constexpr std::int64_t kTurns = 16;  // most sums in the accumulators at a time

std::int64_t padded(std::int64_t numbers) { return ceil_div(numbers, kLine) * kLine; }

Unit matrix(std::int64_t unit) { return isa::unit_at(Unit::kMatrix, unit); }
Unit weights(std::int64_t unit) { return isa::unit_at(Unit::kWeights, unit); }
Unit activation(std::int64_t unit) { return isa::unit_at(Unit::kActivation, unit); }

// A block of queries against a block of keys on one matrix unit: buffer rows of its parts, and what
// it waits for.
struct Block {
  std::int64_t unit = 0;
  std::int64_t rows = 0, keys = 0, width = 0;
  std::int64_t q = 0, k = 0, v = 0, scores = 0, weights = 0, o = 0;
  std::int64_t loaded = 0;  // number of the last load of what it reads
  std::int64_t stored = 0;  // of the store that frees `scores` or `o`
};

// Writes parts of blocks; buffer rows lie column block by column block.
class Writer {
 public:
  Writer(const isa::Machine& machine, Waits& waits) : m_(machine), waits_(waits) {}

  [[nodiscard]] std::int64_t blocks(std::int64_t keys) const {
    return ceil_div(padded(keys), m_.c());
  }
  // Buffer rows of a row of a column block of scores, and of their softmax.
  [[nodiscard]] std::int64_t score_rows() const { return m_.ub_rows_of(m_.c() * kScore); }
  [[nodiscard]] std::int64_t weight_rows() const { return m_.ub_rows_of(m_.c() * kElement); }
  [[nodiscard]] std::int64_t row_rows(std::int64_t width) const {
    return m_.ub_rows_of(width * kElement);
  }
  [[nodiscard]] std::int64_t columns(std::int64_t keys, std::int64_t column) const {
    return std::min(m_.c(), padded(keys) - column * m_.c());
  }

  std::int64_t load(std::int64_t dram, std::int64_t ub, std::int64_t rows, std::int64_t bytes) {
    return waits_.push(
        isa::Load{.dram = dram, .stride = bytes, .ub = ub, .rows = rows, .bytes = bytes});
  }

  // A column block of Q K^T into `scores`: K^T is tiles of `width` rows. Its activation's number.
  std::int64_t score(const Block& b, std::int64_t column, std::int64_t type = isa::type::kF32) {
    const std::int64_t n = columns(b.keys, column);
    pass(b, {.ub = b.k + column * b.width * weight_rows(), .k = b.width, .n = n}, b.q, 0);
    return finish(b, b.scores + column * b.rows * score_rows(), n, type);
  }
  // Its softmax, as bfloat16, once that is done.
  std::int64_t soften(const Block& b, std::int64_t column, std::int64_t scored,
                      std::int64_t type = isa::type::kF32) {
    waits_.need(Unit::kVector, activation(b.unit), scored, isa::why::kRaw);
    waits_.need(Unit::kVector, Unit::kLoad, b.loaded, isa::why::kRaw);
    return waits_.push(isa::Vector{.op = isa::vector_op::kConvert,
                                   .a = b.scores + column * b.rows * score_rows(),
                                   .a_type = type,
                                   .b_type = isa::type::kBf16,
                                   .to = b.weights + column * b.rows * weight_rows(),
                                   .to_type = isa::type::kBf16,
                                   .rows = b.rows,
                                   .n = columns(b.keys, column)});
  }
  // A slice of that times V, once it is done; the last one's sums into `o`.
  void weigh(const Block& b, std::int64_t slice, std::int64_t softened) {
    waits_.need(matrix(b.unit), Unit::kVector, softened, isa::why::kRaw);
    const std::int64_t k = std::min(m_.r(), b.keys - slice * m_.r());
    pass(b, {.ub = b.v + slice * m_.r() * row_rows(b.width), .k = k, .n = b.width},
         b.weights + slice * b.rows * weight_rows(), slice == 0 ? 0 : 1);
    if (slice + 1 == slices(b.keys)) finish(b, b.o, b.width, isa::type::kBf16);
  }
  [[nodiscard]] std::int64_t slices(std::int64_t keys) const { return ceil_div(keys, m_.r()); }
  std::int64_t store(const Block& b, std::int64_t dram, std::int64_t ub, std::int64_t bytes) {
    waits_.need(Unit::kStore, activation(b.unit), waits_.sent(activation(b.unit)), isa::why::kRaw);
    return waits_.push(
        isa::Store{.dram = dram, .stride = bytes, .ub = ub, .rows = b.rows, .bytes = bytes});
  }

 private:
  struct TilePlace {
    std::int64_t ub, k, n;
  };
  // One after the other in a unit's accumulators; the halves take turns.
  void pass(const Block& b, const TilePlace& tile, std::int64_t from, std::int64_t accumulate) {
    State& s = state(b.unit);
    waits_.need(weights(b.unit), Unit::kLoad, b.loaded, isa::why::kRaw);
    waits_.push(
        isa::ReadTile{.ub = tile.ub, .lane = 0, .k = tile.k, .n = tile.n, .instance = b.unit});
    waits_.need(matrix(b.unit), Unit::kLoad, b.loaded, isa::why::kRaw);
    if (accumulate == 0) {
      s.turn = (s.turn + 1) % turns(b.rows);
      waits_.need(matrix(b.unit), activation(b.unit), s.activated[s.turn], isa::why::kWar);
    }
    s.pass = waits_.push(isa::Matmul{.ub = from,
                                     .acc = static_cast<std::int64_t>(s.turn) * b.rows,
                                     .rows = b.rows,
                                     .k = tile.k,
                                     .n = tile.n,
                                     .accumulate = accumulate,
                                     .switch_tile = 1,
                                     .precision = isa::precision::kBf16,
                                     .instance = b.unit});
  }
  std::int64_t finish(const Block& b, std::int64_t ub, std::int64_t n, std::int64_t type) {
    State& s = state(b.unit);
    const isa::OperandRange& none = isa::operand_range(isa::Operand::Limit);
    waits_.need(activation(b.unit), matrix(b.unit), s.pass, isa::why::kRaw);
    waits_.need(activation(b.unit), Unit::kStore, b.stored, isa::why::kWar);
    s.activated[s.turn] =
        waits_.push(isa::Activate{.acc = static_cast<std::int64_t>(s.turn) * b.rows,
                                  .ub = ub,
                                  .rows = b.rows,
                                  .n = n,
                                  .type = type,
                                  .lo = none.low,
                                  .hi = none.high,
                                  .instance = b.unit});
    return s.activated[s.turn];
  }
  struct State {
    std::size_t turn = 0;
    std::int64_t pass = 0;
    std::array<std::int64_t, kTurns> activated{};
  };
  [[nodiscard]] State& state(std::int64_t unit) { return states_[static_cast<std::size_t>(unit)]; }
  // Places for sums of so many rows, which take turns.
  [[nodiscard]] std::size_t turns(std::int64_t rows) const {
    return static_cast<std::size_t>(std::min(m_.accumulators_rows / rows, kTurns));
  }

  const isa::Machine& m_;
  Waits& waits_;
  std::array<State, 8> states_{};
};

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
    return k_at() + write_.blocks(keys_) * s_.width * write_.weight_rows();
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
                            base + k_at() + column * s_.width * write_.weight_rows(), s_.width,
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
    const std::int64_t own = queries_ * (wide * (write_.score_rows() + write_.weight_rows()) +
                                         write_.row_rows(s_.width));
    const std::int64_t at = 2 * place_rows() + (step % 2 * m_.array_units + unit) * own;
    Block b{
        .unit = unit, .rows = std::min(each, rows - unit * each), .keys = keys, .width = s_.width};
    b.loaded = ready_;
    b.q = base + unit * each * write_.row_rows(s_.width);
    b.k = base + k_at();
    b.v = base + v_at();
    b.scores = at;
    b.weights = at + each * wide * write_.score_rows();
    b.o = b.weights + each * wide * write_.weight_rows();
    return b;
  }

  const isa::Machine& m_;
  Attention s_;
  std::int64_t queries_, keys_;
  Waits& waits_;
  Writer write_;
  std::vector<Result> results_;          // of the step before
  std::int64_t loaded_ = 0, ready_ = 0;  // numbers of the last load, and of the step at work
};

// --- in three operations ---

class Whole {
 public:
  Whole(const isa::Machine& machine, const Attention& shape, Waits& waits)
      : m_(machine), s_(shape), waits_(waits), write_(machine, waits) {
    places_ = std::clamp<std::int64_t>(m_.ub_rows() / 8 / place_rows(), 1, kMostPlaces);
    const std::int64_t units = m_.array_units;  // a place is always the same unit's
    places_ = std::max(places_ / units, std::int64_t{1}) * units;
    const std::int64_t free = m_.ub_rows() - places_ * place_rows();
    fits_ = s_.heads * (score_rows() + weight_rows()) <= free;
    if (!fits_) places_ = std::min(places_, free / (score_rows() + weight_rows()) / units * units);
    if (places_ >= 1) return;
    throw InputError("machine " + m_.name, fmt::format("holds no scores of {} keys", s_.keys),
                     "a larger unified_buffer.bytes");
  }

  void run() {
    for (std::int64_t head = 0; head < s_.heads; ++head) score(head);
    waits_.barrier();
    stored_ = {};
    freed_ = {};
    if (fits_) {
      for (std::int64_t head = 0; head < s_.heads; ++head) soften(head, 0);
      waits_.barrier();
    }
    for (std::int64_t head = 0; head < s_.heads; ++head) weigh(head);
  }

 private:
  static constexpr std::int64_t kMostPlaces = 64;  // heads that are at work

  [[nodiscard]] std::int64_t score_rows() const {
    return s_.queries * write_.blocks(s_.keys) * write_.score_rows();
  }
  [[nodiscard]] std::int64_t weight_rows() const {
    return s_.queries * write_.blocks(s_.keys) * write_.weight_rows();
  }
  // Q and O, K^T, V.
  [[nodiscard]] std::int64_t k_at() const { return s_.queries * write_.row_rows(s_.width); }
  [[nodiscard]] std::int64_t v_at() const {
    return k_at() + write_.blocks(s_.keys) * s_.width * write_.weight_rows();
  }
  [[nodiscard]] std::int64_t place_rows() const {
    return v_at() + ceil_div(s_.keys, m_.r()) * m_.r() * write_.row_rows(s_.width);
  }
  [[nodiscard]] std::int64_t bytes(std::int64_t rows) const { return rows * s_.width * kElement; }

  [[nodiscard]] Block block(std::int64_t head) const {
    const std::int64_t base = head % places_ * place_rows();
    const std::int64_t kept = fits_ ? head : head % places_;
    const std::int64_t heads = fits_ ? s_.heads : places_;
    Block b{.unit = head % m_.array_units, .rows = s_.queries, .keys = s_.keys, .width = s_.width};
    b.q = b.o = base;
    b.k = base + k_at();
    b.v = base + v_at();
    b.scores = places_ * place_rows() + kept * score_rows();
    b.weights = places_ * place_rows() + heads * score_rows() + kept * weight_rows();
    return b;
  }
  [[nodiscard]] std::size_t place(std::int64_t head) const {
    return static_cast<std::size_t>(head % places_);
  }
  // Scores of a head in memory, column block by column block.
  [[nodiscard]] std::int64_t scores_at(std::int64_t head, std::int64_t column) const {
    const std::int64_t heads = s_.heads * bytes(2 * s_.queries + 2 * padded(s_.keys));
    return heads + (head * padded(s_.keys) + column * m_.c()) * s_.queries * kScore;
  }

  void score(std::int64_t head) {
    Block b = block(head);
    wait_place(b, head);
    b.loaded = write_.load(bytes(head * s_.queries), b.q, s_.queries, bytes(1));
    for (std::int64_t column = 0; column < write_.blocks(s_.keys); ++column) {
      b.loaded =
          write_.load(bytes(s_.heads * s_.queries + head * padded(s_.keys) + column * m_.c()),
                      b.k + column * s_.width * write_.weight_rows(), s_.width,
                      write_.columns(s_.keys, column) * kElement);
    }
    b.stored = stored_[place(head)];
    for (std::int64_t column = 0; column < write_.blocks(s_.keys); ++column)
      write_.score(b, column);
    note(b, head);
    for (std::int64_t column = 0; !fits_ && column < write_.blocks(s_.keys); ++column) {
      stored_[place(head)] = write_.store(b, scores_at(head, column),
                                          b.scores + column * s_.queries * write_.score_rows(),
                                          write_.columns(s_.keys, column) * kScore);
    }
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
    wait_place(b, head);
    b.loaded =
        write_.load(bytes(s_.heads * (s_.queries + padded(s_.keys)) + head * padded(s_.keys)), b.v,
                    s_.keys, bytes(1));
    for (std::int64_t column = 0; !fits_ && column < write_.blocks(s_.keys); ++column) {
      b.loaded =
          write_.load(scores_at(head, column), b.scores + column * s_.queries * write_.score_rows(),
                      s_.queries, write_.columns(s_.keys, column) * kScore);
    }
    b.stored = stored_[place(head)];
    std::int64_t softened = 0;
    if (!fits_) {
      waits_.need(Unit::kVector, matrix(b.unit), freed_[place(head)].pass, isa::why::kWar);
      softened = soften(head, b.loaded);
    }
    for (std::int64_t slice = 0; slice < write_.slices(s_.keys); ++slice)
      write_.weigh(b, slice, softened);
    note(b, head);
    freed_[place(head)].vector = softened;
    const std::int64_t o =
        s_.heads * bytes(s_.queries + 2 * padded(s_.keys)) + bytes(head * s_.queries);
    stored_[place(head)] = write_.store(b, o, b.o, bytes(1));
  }

  // A place is loaded again when what it held has been multiplied, softened and stored.
  void wait_place(const Block& b, std::int64_t head) {
    const Freed& freed = freed_[place(head)];
    waits_.need(Unit::kLoad, weights(b.unit), freed.tile, isa::why::kWar);
    waits_.need(Unit::kLoad, matrix(b.unit), freed.pass, isa::why::kWar);
    waits_.need(Unit::kLoad, Unit::kVector, freed.vector, isa::why::kWar);
    waits_.need(Unit::kLoad, Unit::kStore, stored_[place(head)], isa::why::kWar);
  }
  void note(const Block& b, std::int64_t head) {
    freed_[place(head)].tile = waits_.sent(weights(b.unit));
    freed_[place(head)].pass = waits_.sent(matrix(b.unit));
  }
  struct Freed {
    std::int64_t tile = 0, pass = 0, vector = 0;  // numbers of the last that used the place
  };

  const isa::Machine& m_;
  Attention s_;
  Waits& waits_;
  Writer write_;
  bool fits_ = false;
  std::int64_t places_ = 0;
  std::array<std::int64_t, kMostPlaces> stored_{};
  std::array<Freed, kMostPlaces> freed_{};
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
