// Segment: what one device segment computes, and the unified buffer it needs for that.
//
// The work is cut into jobs (a batch, or as many of its samples as fit the unified buffer, half of
// it if that allows two jobs at once). Within a job each value has a place for as long as it lives.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/compile.h"
#include "compiler/lower/layout.h"
#include "compiler/lower/product.h"
#include "isa/program.h"

namespace systole::compiler {

// A value that the segment holds in the unified buffer.
struct Resident {
  ValueId root = kNoValue;
  FeatureMap map;  // of one batch
  DType type = DType::kUint8;
  bool is_constant = false;  // the same for every job
  std::int64_t host = -1;    // host address of its pixels, if it is loaded or stored
  bool loaded = false, stored = false;
  std::int64_t layer = 0;           // layer that loads it
  int first_use = 0, last_use = 0;  // positions of operations in the segment

  [[nodiscard]] std::int64_t element_bytes() const { return dtype_bytes(type); }
};

// One operation: a product, or work of the vector unit.
struct DeviceOp {
  const Node* node = nullptr;
  std::int64_t layer = 0;
  Product* product = nullptr;       // null: work of the vector unit
  std::int64_t table = -1;          // host address of a look-up table, or -1
  std::vector<std::size_t> inputs;  // indices into the plan's residents
  std::size_t output = 0;
};

struct SegmentPlan {
  std::vector<DeviceOp> ops;  // in order
  std::vector<Resident> residents;
  Schedule schedule = Schedule::kOverlap;
};

// Samples [first, first + items) of all batches.
struct Job {
  std::int64_t first_item = 0;
  std::int64_t items = 0;
  std::int64_t arena = 0;  // first unified buffer row it may use
};

// Where the residents of a job lie.
class BufferMap {
 public:
  // Places them by lifetime, first fit, relative to the job's arena.
  BufferMap(const SegmentPlan& plan, const isa::Program& program, std::int64_t items);

  [[nodiscard]] std::int64_t rows() const { return peak_; }
  [[nodiscard]] const Layout& layout(std::size_t resident) const {
    return places_.at(resident).layout;
  }
  // Unified buffer row of a pixel, counted over the job, in a block of channels.
  [[nodiscard]] std::int64_t row(const Job& job, std::size_t resident, std::int64_t block,
                                 std::int64_t pixel) const {
    const Place& place = places_.at(resident);
    return job.arena + place.base + place.layout.row(block, pixel);
  }
  // The last operation of `job` that needs rows which resident `other_resident` of `other` takes;
  // -1 if none does.
  [[nodiscard]] int needed_until(const SegmentPlan& plan, const Job& job, const BufferMap& other,
                                 const Job& other_job, std::size_t other_resident) const;

 private:
  struct Place {
    Layout layout;
    std::int64_t base = 0;
  };
  std::vector<Place> places_;
  std::int64_t peak_ = 0;
};

// Pixels of a resident in a job of `items` samples.
[[nodiscard]] std::int64_t pixels_in_job(const Resident& resident, const isa::Program& program,
                                         std::int64_t items);

// Cuts all batches into jobs. Throws InputError if one sample does not fit the unified buffer or
// there would be too many jobs.
[[nodiscard]] std::vector<Job> make_jobs(const SegmentPlan& plan, const isa::Program& program);

}  // namespace systole::compiler
