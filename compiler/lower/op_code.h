// Code of operations: turns one operation of a job into instructions, pushed to the stream.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "compiler/lower/param_cache.h"
#include "compiler/lower/phases.h"
#include "compiler/lower/segment.h"
#include "compiler/lower/stream.h"
#include "isa/program.h"

namespace systole::compiler {

// The most rows of one instruction of the matrix unit, so that the next unit follows closely: about
// the fill and drain of a 256 x 256 array, at most half the accumulators.
[[nodiscard]] std::int64_t stretch_rows(const isa::Machine& machine);

// The instructions' name of an element type; the machine holds no others than these.
[[nodiscard]] std::int64_t element_type(DType type);

// What all operations of a job have at hand.
struct JobContext {
  const isa::Program& program;
  const SegmentPlan& plan;
  const BufferMap& buffer;
  const Job& job;
  Stream& stream;
  ParamCache& params;
  // To be called before pixels [.., end) of a block of a resident are read: loads what is still to
  // come.
  std::function<void(std::size_t resident, std::int64_t block, std::int64_t end)> need;
  // To be called after each stretch of work: the place for the next job's loads.
  std::function<void()> stretch_done;
  // To be called after passes of a product for which the array needs so many cycles.
  std::function<void(std::int64_t cycles)> passed;
  // To be called after an activation of so many rows.
  std::function<void(std::int64_t rows)> activated;
  // To be called when all that writes pixels [.., end) of a block of the product's output is
  // pushed.
  std::function<void(std::int64_t block, std::int64_t end)> written;

  [[nodiscard]] const isa::Machine& machine() const { return program.machine; }
  [[nodiscard]] const Resident& resident(std::size_t i) const { return plan.residents.at(i); }
  // The resident's map in this job, of whole images, and the pixels of it that are there.
  [[nodiscard]] FeatureMap map(std::size_t resident) const;
  [[nodiscard]] PixelRange pixels(std::size_t i) const { return pixels_of(plan, job, i); }
  [[nodiscard]] std::int64_t row(std::size_t resident, std::int64_t block,
                                 std::int64_t pixel) const {
    return buffer.row(job, resident, block, pixel);
  }
};

// Products: passes, tile switches and activations (product_code.cc).
class ProductCode {
 public:
  explicit ProductCode(const isa::Machine& machine)
      : machine_(machine), fetch_cycles_(static_cast<std::int64_t>(fetch_cycles(machine))) {}
  void emit(const JobContext& context, const DeviceOp& op);
  // The next sums get the first accumulators.
  void begin_anew() { next_accumulator_ = 0; }
  // Groups of pixels whose sums are in the accumulators together.
  [[nodiscard]] std::int64_t group_count(const JobContext& context, const DeviceOp& op) const;
  // Calls of stretch_done that emit() will make.
  [[nodiscard]] std::int64_t stretches(const JobContext& context, const DeviceOp& op) const;

 private:
  struct Piece;
  struct Group;
  class Emission;

  [[nodiscard]] std::vector<Piece> pieces(const JobContext& context, const DeviceOp& op) const;
  [[nodiscard]] std::vector<Group> groups(const JobContext& context, const DeviceOp& op) const;
  std::int64_t take_accumulators(std::int64_t rows);

  const isa::Machine& machine_;
  std::int64_t fetch_cycles_;  // of a tile
  std::int64_t next_accumulator_ = 0;
  std::int64_t since_switch_ = 0;  // cycles of passes with the active tile
  std::int64_t active_tile_ = -1;  // DRAM address of the active plane's tile
};

// Pixels [.., end) of a block of a resident.
struct Span {
  std::size_t resident = 0;
  std::int64_t block = 0, end = 0;
};
// Pixels of a block of an operation's output.
struct Written {
  std::int64_t block = 0, first = 0, rows = 0;
};

// An instruction of the vector unit that is still to be pushed.
struct VectorItem {
  std::vector<Span> reads;
  Written writes;
  std::int64_t cycles = 0;  // of the vector unit, about
  isa::Insn insn;
  // Of the vector unit, to be set before: the same for all items of an operation.
  std::shared_ptr<const std::map<std::int64_t, std::int64_t>> registers;
  bool ends_block = false;  // of the operation's output
  bool whole_rows = false;  // nothing else writes these pixels of the block, or any before them
};

// Work of the vector unit: map, zip, table, pool, concat (vector_code.cc). An operation is a list
// of items to be pushed in this order, at the latest before its output is read; so they can be
// pushed while what they read is being made.
class VectorCode {
 public:
  [[nodiscard]] static std::vector<VectorItem> items(const JobContext& context, const DeviceOp& op);
  void push(const JobContext& context, const DeviceOp& op, VectorItem item);

 private:
  std::map<std::int64_t, std::int64_t> registers_;  // as the code so far leaves them
};

}  // namespace systole::compiler
