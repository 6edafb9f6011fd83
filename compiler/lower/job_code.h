// Job code: the instructions of one job, operation by operation: what it loads, computes and
// stores. Other jobs' operations may come between its own (segment_code.h).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "compiler/lower/op_code.h"
#include "compiler/lower/pace.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {

class JobCode;

// What all jobs of a segment share. The jobs stand in their order, the oldest first.
struct JobsInCode {
  const isa::Program& program;
  const SegmentPlan& plan;
  const std::vector<Phase>& phases;
  const BufferMap& buffer;
  Stream& stream;
  ParamCache& params;
  ProductCode& products;
  VectorCode& vectors;
  Pace& pace;
  std::deque<std::unique_ptr<JobCode>> jobs;  // at work, and the next ones
};

class JobCode {
 public:
  JobCode(JobsInCode& all, const Job& job);

  [[nodiscard]] const Job& job() const { return job_; }
  // The job comes behind `before`, which is not done: loads what it may meanwhile.
  void follow(const JobCode& before);
  void release(const JobCode& before);

  // Whether all its code is there.
  [[nodiscard]] bool done() const { return position_ == phase_.end && items_.empty(); }
  // Cycles until the vector unit has made what the next operation reads, if that is a product's;
  // kNever if only work of the vector unit is left.
  [[nodiscard]] std::int64_t wait() const;
  static constexpr std::int64_t kNever = std::int64_t{1} << 60;

  // The next operation; when none is left, the rest of the vector unit's work.
  void step();
  // Work of the vector unit that can be done by now, as long as that unit has time for it.
  void spread();
  // Loads up to `count` parts whose places the jobs before no longer need; returns how many.
  std::int64_t preload(std::int64_t count);
  [[nodiscard]] std::int64_t open_loads() const { return open_; }

 private:
  // Pixels [first, first + rows) of a block, to be loaded or stored.
  struct Part {
    std::size_t resident = 0;
    std::int64_t block = 0, first = 0, rows = 0;
    bool done = false;
  };
  // A resident's part of loads_, from the first one that is not done on. It is in the order of
  // pixels and, within one, of blocks.
  struct OpenLoads {
    std::size_t first = 0, end = 0;
  };
  struct QueuedItem {
    int operation;
    VectorItem item;
  };
  struct Before {
    const JobCode* job;
    std::vector<int> needed_until;  // by resident: its last operation that needs the place
  };

  [[nodiscard]] const DeviceOp& operation(int i) const {
    return all_.plan.ops[static_cast<std::size_t>(i)];
  }
  // All operations before it are done, as far as they must be by then (DeviceOp::ends).
  [[nodiscard]] int reached() const {
    return position_ == phase_.end && !items_.empty() ? position_ - 1 : position_;
  }
  void list_loads();
  [[nodiscard]] std::vector<Part> parts(std::size_t resident, const PixelRange& pixels) const;
  template <typename Transfer>
  Transfer transfer(const Part& part) const;
  void load(Part& part);
  void need(const Span& span);
  void stretch_done();
  [[nodiscard]] bool may_load(const Part& part) const;

  void begin_stores(const DeviceOp& op);
  void store_written(const DeviceOp& op, std::int64_t block, std::int64_t end);
  void store_rest(const DeviceOp& op);
  void store(Part& part, std::int64_t layer);

  void take_items();
  void push_items(std::int64_t count);
  void push_writers(const Span& span);
  [[nodiscard]] bool ready(const VectorItem& item) const;
  void passed(std::int64_t cycles);

  [[nodiscard]] bool in_steps() const { return all_.plan.schedule == Schedule::kPaper2015; }
  void input_step();
  void layer_step(const DeviceOp& op);
  void await_results(isa::Unit queue);

  JobsInCode& all_;
  const Phase& phase_;
  Job job_;
  JobContext context_;
  int position_;                                  // of the next operation
  bool at_work_ = false;                          // whether it is being emitted
  int taken_ = 0;                                 // vector operations before it are queued or done
  std::deque<QueuedItem> items_;                  // of the vector unit, not pushed yet
  std::map<std::size_t, std::int64_t> made_;      // by resident: when what is pushed is done
  std::map<std::int64_t, std::int64_t> written_;  // of the product at work: end pixel by block
  std::vector<Part> loads_;
  std::map<std::size_t, OpenLoads> open_of_;        // by resident
  std::map<std::size_t, std::deque<Part>> stores_;  // by resident, of operations at work
  std::int64_t open_ = 0;                           // loads not done
  std::size_t preloaded_ = 0;                       // loads before it are done
  std::int64_t stretches_ = 0;                      // still to come
  std::vector<Before> before_;
};

}  // namespace systole::compiler
