// Two runs in one trace file: both begin at 0, each is a process with the same tracks in the same
// order, "A: ..." and "B: ...", for a viewer to show one above the other.
#pragma once

#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "traces/sinks/gzip.h"
#include "traces/sinks/sink.h"

namespace systole::traces {

class TwoRuns {
 public:
  // Throws InputError for an ending whose format cannot hold two runs. The stream outlives this.
  TwoRuns(std::string path, std::ostream& out);

  // The sink of A, and once that is finished, of B. The file is whole when B's is finished and
  // finish() has been called.
  [[nodiscard]] std::unique_ptr<Sink> open(TraceInfo info);
  void finish();

 private:
  std::string path_;  // as it would be called without packing
  std::ostream& out_;
  std::unique_ptr<GzipStream> packed_;
  RunOf next_ = RunOf::kA;
};

}  // namespace systole::traces
