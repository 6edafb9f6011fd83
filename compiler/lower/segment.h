// Segment: what one device segment computes, and the unified buffer it needs for that.
//
// The operations are cut into phases, and each phase's work into jobs of so many samples: early
// layers with large maps go a few samples at a time, late layers with many weights read these once
// for all samples (phases.h chooses). A job comes when all jobs of the phase before that cover its
// samples are there; the jobs of a phase with fewer samples each lie within those of one with more.
// Each value has a place in the unified buffer for as long as it lives. Where one sample does not
// fit, a job takes a band of its lines (bands.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/lower/bands.h"
#include "compiler/lower/layout.h"
#include "compiler/lower/product.h"
#include "compiler/lower/schedule.h"
#include "isa/program.h"

namespace systole::compiler {

// A value that the segment holds in the unified buffer.
struct Resident {
  ValueId root = kNoValue;
  std::string name;  // the value's
  FeatureMap map;    // of one batch
  DType type = DType::kUint8;
  BlockUse use = BlockUse::kAny;
  bool is_constant = false;  // the same for every job
  std::int64_t host = -1;    // host address of its pixels, if it is loaded or stored
  bool loaded = false, stored = false;
  std::int64_t layer = 0;           // layer that loads it
  int first_use = 0, last_use = 0;  // positions of operations in the segment
  int from = 0, until = 0;          // operations between whose code its rows are taken
  std::int64_t kept_blocks = 0;  // blocks that have places; block b takes b - kept_blocks' (0: all)

  [[nodiscard]] std::int64_t element_bytes() const { return dtype_bytes(type); }
  [[nodiscard]] std::int64_t width(const isa::Machine& machine) const {  // of its blocks
    return block_width(machine, element_bytes(), use);
  }
};

// One operation: a product, or work of the vector unit.
struct DeviceOp {
  const Node* node = nullptr;
  std::int64_t layer = 0;
  Product* product = nullptr;       // null: work of the vector unit
  std::int64_t table = -1;          // host address of a look-up table, or -1
  std::vector<std::size_t> inputs;  // indices into the plan's residents
  std::size_t output = 0;
  // Operations during which its code may begin and at the latest ends. That of a product is in one
  // place. Work of the vector unit is spread over the code of the products from the one before it
  // to the one that reads its result, but not if it needs parameters, as these may push out a
  // product's.
  int begins = 0, ends = 0;
};

struct SegmentPlan {
  std::int64_t units = 1;     // of a batch that can be in different jobs: samples, or parts of one
  std::vector<DeviceOp> ops;  // in order
  std::vector<Resident> residents;
  Schedule schedule = Schedule::kOverlap;
  bool one_by_one = false;  // no operation's code goes between another's
  BandLines bands;          // of each image, which jobs take one after another; none: whole images

  // Units that share a pixel of the values that operations [first, end) read or make: as many must
  // be in a job together.
  [[nodiscard]] std::int64_t granule(int first, int end) const;
  // Sets when operations begin and end, and when residents' rows are taken, once all are there.
  void set_times();
};

// Operations [first, end), in jobs of at most `items` units of the batch, whole granules. With two
// copies of the values that only this phase knows, one job may begin before the one before has
// ended.
struct Phase {
  int first = 0, end = 0;
  std::int64_t items = 1;
  int copies = 1;
  std::int64_t granule = 1;
  bool operator==(const Phase&) const = default;
};

// The work of one phase on units [first_item, first_item + items) of all batches.
struct Job {
  std::size_t phase = 0;
  std::int64_t first_item = 0;
  std::int64_t items = 0;
  int copy = 0;
  std::int64_t band = 0;             // of the one image that it then has
  std::vector<std::int64_t> starts;  // by phase: first unit of its job that covers this one's
  bool begins_period = false;        // of jobs whose code is to repeat (roll.h)
};

// Where the residents lie.
class BufferMap {
 public:
  // Places them by lifetime, first fit.
  BufferMap(const SegmentPlan& plan, const isa::Program& program, const std::vector<Phase>& phases);

  [[nodiscard]] std::int64_t rows() const { return peak_; }
  [[nodiscard]] const Layout& layout(std::size_t resident) const {
    return places_.at(resident).layout;
  }
  // Unified buffer row of a pixel, counted over the job, in a block of channels.
  [[nodiscard]] std::int64_t row(const Job& job, std::size_t resident, std::int64_t block,
                                 std::int64_t pixel) const;
  // The last operation of `job` that needs rows which `resident` takes in the job after it; -1 if
  // none does.
  [[nodiscard]] int needed_until(const Job& job, const Job& next, std::size_t resident) const;

 private:
  struct Place {
    Layout layout;
    std::array<std::int64_t, 2> base{};  // by copy
    std::size_t phase = 0;               // of its last use
    std::size_t group = 0;               // the one of all its uses with the most samples a job
    bool local = true;                   // to that phase
    int from = 0, until = 0;             // operations between which its rows are taken
    std::int64_t pixels = 0, units = 1;  // of the batch; no pixels: the same for all samples
    std::vector<std::int64_t> first;     // by band: first pixel that is there
  };
  [[nodiscard]] static Place describe(const SegmentPlan& plan, std::size_t resident,
                                      const isa::Machine& machine,
                                      const std::vector<Phase>& phases);
  // The lowest rows free for a copy of `place`, given those of the places so far.
  [[nodiscard]] std::int64_t lowest_free(const Place& place, int copy,
                                         const std::vector<Phase>& phases) const;
  [[nodiscard]] std::int64_t base(const Job& job, const Place& place) const {
    return place.base.at(place.local ? static_cast<std::size_t>(job.copy) : 0);
  }

  std::vector<Place> places_;
  std::int64_t peak_ = 0;
};

// The phase that an operation belongs to.
[[nodiscard]] std::size_t phase_of(const std::vector<Phase>& phases, int operation);

// Pixels of a resident in `items` units.
[[nodiscard]] std::int64_t pixels_of(const SegmentPlan& plan, const Resident& resident,
                                     std::int64_t items);

// Pixels [first, end), counted over a job's images.
struct PixelRange {
  std::int64_t first = 0, end = 0;
  [[nodiscard]] std::int64_t count() const { return end - first; }
};
// Those of a resident that a job has in the unified buffer, and those that it stores.
[[nodiscard]] PixelRange pixels_of(const SegmentPlan& plan, const Job& job, std::size_t resident);
[[nodiscard]] PixelRange kept_pixels_of(const SegmentPlan& plan, const Job& job,
                                        std::size_t resident);

// All jobs of all batches, in order. Throws InputError if there would be too many.
[[nodiscard]] std::vector<Job> make_jobs(const SegmentPlan& plan, const isa::Program& program,
                                         const std::vector<Phase>& phases);

}  // namespace systole::compiler
