// Segment: schedules one device segment: its matmuls over all batches, overlapped as far as it
// goes.
//
// The work is cut into jobs (a batch, or as many of its rows as fit half the unified buffer). While
// one job computes, the next job's inputs are loaded into the other half, results of the job before
// leave, and weight tiles are read ahead as deep as the FIFO and the shadow plane hold.
// With paper2015 a job's input, its layers and its output are steps instead, one after the other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "compiler/compile.h"
#include "compiler/lower/emitter.h"
#include "compiler/lower/image.h"
#include "compiler/lower/layout.h"
#include "isa/program.h"

namespace systole::compiler {

// A value that the segment holds in the unified buffer.
struct Resident {
  std::int64_t rows = 0, features = 0, element_bytes = 1;  // of one batch
  std::int64_t host = -1;  // host address, if it is loaded or stored
  bool loaded = false, stored = false;
  std::int64_t layer = 0;           // layer that loads it
  int first_use = 0, last_use = 0;  // positions of matmuls in the segment
};

struct SegmentPlan {
  std::vector<DeviceMatmul*> matmuls;  // in order
  std::map<ValueId, Resident> values;  // by root value
  std::vector<ValueId> x, y;           // root value read and written, by matmul
  Schedule schedule = Schedule::kOverlap;
};

// Parameter memory across the whole program: which parameter rows hold which matmul's columns.
class ParamCache {
 public:
  ParamCache(std::int64_t first, std::int64_t rows) : first_(first), rows_(rows) {}
  // The parameter row that holds (matmul, column block), loading `count` rows by `load(row)` if
  // absent.
  template <typename Load>
  std::int64_t row(const DeviceMatmul* matmul, std::int64_t block, std::int64_t count, Load&& load);

 private:
  using Key = std::pair<const DeviceMatmul*, std::int64_t>;
  struct Holder {
    Key key;
    std::int64_t count;
  };

  std::int64_t first_, rows_, next_ = 0;
  std::map<Key, std::int64_t> held_;        // first row by what it holds
  std::map<std::int64_t, Holder> holders_;  // and the reverse; they do not overlap
};

// Emits the segment. Throws InputError if one sample does not fit the unified buffer.
void emit_segment(const SegmentPlan& plan, const isa::Program& program, ParamCache& params,
                  Emitter& emitter);

}  // namespace systole::compiler
