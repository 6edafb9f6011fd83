// Segment code: all instructions of a device segment, job by job.
//
// While one job computes, the next job's inputs are loaded (into their other copy, or where the job
// before is done with it), results leave as they are made, and weight tiles are read ahead as deep
// as FIFO and shadow plane hold. Two jobs that have places of their own go beside each other: while
// the vector unit works on what one needs next, the array takes up the other. With paper2015 a
// job's input, its layers and its output are steps instead, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/lower/explain.h"
#include "compiler/lower/op_code.h"
#include "compiler/lower/pace.h"
#include "compiler/lower/roll.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

// What outlives a segment: the accumulators' and registers' state as the code leaves them.
class SegmentCode {
 public:
  // `unrolled`: see CompileOptions.
  SegmentCode(const isa::Program& program, ParamCache& params, Stream& stream,
              std::int64_t unrolled)
      : program_(program),
        params_(params),
        stream_(stream),
        unrolled_(unrolled),
        products_(program.machine) {}

  // Pushes the segment's instructions. Of a long row of jobs only so many periods and the last ones
  // (0: all), which are to be rolled then; nothing is returned where all are there. Throws
  // InputError if one sample does not fit the unified buffer, or the program would become too long.
  std::optional<RowCode> emit(const SegmentPlan& plan, std::size_t periods);
  // What emit() has done so far.
  [[nodiscard]] const Explanation& explanation() const { return explanation_; }

 private:
  struct Length {
    std::int64_t passes = 0, instructions = 0;
  };
  [[nodiscard]] Length length_of(const SegmentPlan& plan, const std::vector<Phase>& phases,
                                 const std::vector<Job>& jobs) const;
  [[nodiscard]] std::int64_t periods_together(const SegmentPlan& plan,
                                              const std::vector<Phase>& phases,
                                              const std::vector<Job>& jobs) const;
  // So many jobs of the row are done.
  void note_done(RowCode& code, std::size_t done);
  void check_length(const Length& length, std::size_t jobs) const;
  void explain(const SegmentPlan& plan, const std::vector<Phase>& phases, const BufferMap& buffer,
               const std::vector<Job>& jobs);

  const isa::Program& program_;
  ParamCache& params_;
  Stream& stream_;
  std::int64_t unrolled_;
  ProductCode products_;
  VectorCode vectors_;
  Pace pace_;
  Explanation explanation_;
};

}  // namespace systole::compiler
