// Segment code: all instructions of a device segment, job by job.
//
// While one job computes, the next job's inputs are loaded (into their other copy, or where the job
// before is done with it), results of the job before leave, and weight tiles are read ahead as deep
// as FIFO and shadow plane hold. With paper2015 a job's input, its layers and its output are steps
// instead, one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/explain.h"
#include "compiler/lower/op_code.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

// What outlives a segment: the accumulators' and registers' state as the code leaves them.
class SegmentCode {
 public:
  SegmentCode(const isa::Program& program, ParamCache& params, Stream& stream)
      : program_(program), params_(params), stream_(stream), products_(program.machine) {}

  // Pushes the segment's instructions. Throws InputError if one sample does not fit the unified
  // buffer, or the program would become too long.
  void emit(const SegmentPlan& plan);
  // What emit() has done so far.
  [[nodiscard]] const Explanation& explanation() const { return explanation_; }

 private:
  // Pixels [first, first + rows) of a block, still to be loaded.
  struct Load {
    std::size_t resident = 0;
    std::int64_t block = 0, first = 0, rows = 0;
    bool done = false;
    int free_after = -1;  // operation of the job before that still needs the place
  };
  // What all jobs share.
  struct Layouts {
    const SegmentPlan& plan;
    const std::vector<Phase>& phases;
    const BufferMap& buffer;
  };
  class JobEmission;

  void check_length(const SegmentPlan& plan, const std::vector<Phase>& phases,
                    const std::vector<Job>& jobs) const;
  void explain_phases(const Layouts& layouts, const std::vector<Job>& jobs);

  const isa::Program& program_;
  ParamCache& params_;
  Stream& stream_;
  ProductCode products_;
  VectorCode vectors_;
  Explanation explanation_;
};

}  // namespace systole::compiler
