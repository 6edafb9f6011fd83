// See two_runs.h.
#include "traces/sinks/two_runs.h"

#include <utility>

#include "base/diag.h"
#include "isa/file_kind.h"
#include "traces/sinks/open.h"

namespace systole::traces {
namespace {

constexpr std::string_view kPacked = ".gz";

}  // namespace

TwoRuns::TwoRuns(std::string path, std::ostream& out) : path_(std::move(path)), out_(out) {
  check_two_runs(path_);
  if (!isa::has_ending(path_, kPacked)) return;
  path_.resize(path_.size() - kPacked.size());
  packed_ = std::make_unique<GzipStream>(out);
}

std::unique_ptr<Sink> TwoRuns::open(TraceInfo info) {
  SYSTOLE_CHECK(next_ != RunOf::kAlone, "a third run");
  info.run = std::exchange(next_, next_ == RunOf::kA ? RunOf::kB : RunOf::kAlone);
  return open_sink(path_, packed_ ? packed_->stream : out_, info);
}

void TwoRuns::finish() {
  if (packed_) packed_->buffer.finish();
}

}  // namespace systole::traces
