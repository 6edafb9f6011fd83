// Perfetto's packets: the messages of its protobuf trace that a timeline needs, and their writer.
//
// A trace is a sequence of TracePacket. Names, categories and texts are interned: told once, in a
// packet of their own, and then named by number. Numbers of tracks, of the process and of the
// sequence begin at a place that follows from the trace's title, so that two traces, one file
// written behind the other, are one trace that shows both. Of two runs in one file A has an odd
// place and B an even one, whatever their titles.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/proto_writer.h"
#include "traces/sinks/sink.h"

namespace systole::traces {

// What is interned, each with numbers of its own: fields of InternedData.
enum class Interned : std::uint32_t { kCategory = 1, kName = 2, kArgument = 3, kText = 29 };
// An interned word, from 1; 0 is none.
using WordId = std::uint64_t;
using TrackId = std::uint64_t;

struct TrackShape {
  std::string name;
  TrackId parent = 0;
  std::int64_t rank = 0;  // among the parent's tracks
};
// What a counter counts, in words, or that it is bytes.
struct CounterUnit {
  std::string name;
  bool is_bytes = false;
};

class PerfettoPackets {
 public:
  struct Argument {
    WordId name = 0;
    std::int64_t value = 0;
    bool is_text = false;  // `value` is an interned text
  };
  struct SliceBegin {
    TrackId track = 0;
    std::int64_t at = 0;  // nanoseconds, as all times
    WordId name = 0, category = 0;
    std::vector<Argument> arguments{};
    std::vector<std::uint64_t> flows_out{}, flows_in{};  // that begin and end here
  };

  PerfettoPackets(std::ostream& out, std::string_view title, RunOf run = RunOf::kAlone);

  [[nodiscard]] WordId intern(Interned kind, std::string_view word);
  // An event's argument.
  [[nodiscard]] Argument number(std::string_view name, std::int64_t value) {
    return {intern(Interned::kArgument, name), value};
  }
  [[nodiscard]] Argument text(std::string_view name, std::string_view value) {
    return {intern(Interned::kArgument, name),
            static_cast<std::int64_t>(intern(Interned::kText, value)), true};
  }

  // The process, the parent of all tracks without another, whose tracks show in order of rank.
  [[nodiscard]] TrackId process() const { return base_; }
  [[nodiscard]] TrackId track(const TrackShape& shape);
  [[nodiscard]] TrackId counter_track(const TrackShape& shape, const CounterUnit& unit);

  void begin(const SliceBegin& slice);
  void end(TrackId track, std::int64_t at);
  void counter(TrackId track, std::int64_t at, std::int64_t value);
  void counter(TrackId track, std::int64_t at, double value);
  // A number that no other flow of this trace has.
  [[nodiscard]] std::uint64_t next_flow() { return (base_ << 32) + ++flows_; }

 private:
  template <typename Fill>
  void packet(Fill&& fill);
  template <typename Fill>
  void event(std::int64_t at, int type, TrackId track, Fill&& fill);
  template <typename Fill>
  TrackId describe(const TrackShape& shape, Fill&& fill);
  void start(std::string_view title);

  std::ostream& out_;
  std::uint64_t base_;
  TrackId last_track_;
  std::uint64_t flows_ = 0;
  std::map<Interned, std::map<std::string, WordId, std::less<>>> words_;
};

}  // namespace systole::traces
