// Completions: when each batch of a simulated program is done, as its last bytes reach the host.
//
// The output link is watched while a program of many batches runs. A batch is done with a device
// segment (the code between two host stages) when the last of its bytes that the segment writes has
// arrived. The period is what one more batch takes in all segments: differences of completions of
// late batches, in which neither the cold start nor the end of the program has a part.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "isa/program.h"
#include "sim/kernel/probe.h"

namespace systole::compare {

// By segment, batch k's completion in cycles at position k.
using BatchCompletions = std::vector<std::vector<std::int64_t>>;

class CompletionProbe : public sim::Probe {
 public:
  // Both outlive the probe.
  CompletionProbe(const isa::Program& program, const isa::Machine& machine);
  [[nodiscard]] bool wants_counter() const override { return false; }
  void slice(const sim::Slice& slice) override;
  void counter(std::string_view, CyclePoint, std::int64_t) override {}
  // Segments that write nothing are left out.
  [[nodiscard]] BatchCompletions completions() const;

 private:
  // An instruction of the output link: its segment, and the batch whose bytes it writes.
  struct Write {
    std::size_t segment = 0;
    std::int64_t batch = -1;
  };

  // The batch that an instruction's bytes belong to; -1 if it writes no tensor of the host.
  [[nodiscard]] std::int64_t batch_of(std::int64_t address) const;

  const isa::Program& program_;
  const isa::Machine& machine_;
  std::map<std::int64_t, std::int64_t> batch_bytes_;  // of host tensors, by where they begin
  std::vector<Write> writes_;                         // as they are executed
  BatchCompletions completions_;
};

// Cycles a batch between completions `from` and `to` (counted from 1), over all segments.
[[nodiscard]] double cycles_between(const BatchCompletions& completions, std::int64_t from,
                                    std::int64_t to);

// A program's run of so many batches; throws InputError where the program is refused.
using RunBatches = std::function<BatchCompletions(std::int64_t batches)>;

inline constexpr std::int64_t kBatches = 16;  // of a program whose period is taken
inline constexpr double kSettled = 0.01;      // that the two differences may be apart

// (c[16] - c[8]) / 8 of the completions c of a program of 16 batches. Where (c[12] - c[8]) / 4
// differs by over 1 %, the same of twice as many batches. Where a program of 16 is refused, of 8, 4
// or 2.
struct Period {
  double cycles = 0.0;       // a batch
  std::int64_t batches = 0;  // of the program
  double unsettled = 0.0;    // how far the first half of the difference lies off, as a share
};
[[nodiscard]] Period find_period(const RunBatches& run);

}  // namespace systole::compare
