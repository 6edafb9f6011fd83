// Chrome JSON trace: the "Trace Event Format" (Google, 2016) that Perfetto and speedscope
// open.
//
// One process, "systole: MODEL on MACHINE", with a thread per unit, a thread "layers" that shows
// which layer the matrix unit works on or waits for, and a counter track per level. Times are
// decimal microseconds of whole nanoseconds (trace_time.h); the cycle numbers are in each event's
// args. Of two runs in one file A opens the document and B closes it; each is a process, which says
// its clock and cycles in an event, "process_labels".
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <string_view>

#include "traces/sinks/gzip.h"
#include "traces/sinks/sink.h"
#include "traces/sinks/trace_time.h"

namespace systole::traces {

class ChromeTrace : public Sink {
 public:
  ChromeTrace(std::ostream& out, const TraceInfo& info);

  void slice(const sim::Slice& slice) override;
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override;
  void finish(CycleCount total) override;

 private:
  [[nodiscard]] int process() const { return info_.run == RunOf::kB ? 2 : 1; }
  void begin_document();
  void begin_event();
  void metadata(std::string_view what, int thread, std::string_view key, const std::string& value);
  [[nodiscard]] int thread_of(std::string_view track);
  [[nodiscard]] std::string time_text(CyclePoint begin, CyclePoint end) const;
  void write_slice(int thread, const sim::Slice& slice);
  void extend_layer(const sim::Slice& slice);
  void end_layer();

  TraceInfo info_;
  TraceTime time_;
  std::ostream& out_;
  bool first_event_ = true;
  std::map<std::string, int, std::less<>> threads_;  // by track name
  // The layer span being put together from neighbouring slices of the matrix unit.
  std::string layer_;
  CyclePoint layer_begin_, layer_end_;
};

// The same, packed: both viewers open it as it is.
class PackedChromeTrace : private GzipStream, public ChromeTrace {
 public:
  PackedChromeTrace(std::ostream& out, const TraceInfo& info)
      : GzipStream(out), ChromeTrace(stream, info) {}
  void finish(CycleCount total) override {
    ChromeTrace::finish(total);
    buffer.finish();
  }
};

}  // namespace systole::traces
