// Packets one by one: names, tracks, begins and ends of slices.
#include "traces/read/perfetto_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>

#include "base/proto_reader.h"
#include "traces/sinks/perfetto_fields.h"
#include "traces/sinks/perfetto_packets.h"

namespace systole::traces {
namespace {

// Of what a trace of a run can have: more is none.
constexpr std::size_t kLongestPacket = std::size_t{1} << 20;
constexpr std::size_t kMostTracks = 4'096;
constexpr std::size_t kMostWords = std::size_t{1} << 20;
constexpr std::size_t kMostLetters = std::size_t{1} << 26;  // of all words
constexpr std::size_t kMostWaits = std::size_t{1} << 20;    // of a unit without work between

// A slice whose texts are its own.
struct Kept {
  std::string name, layer;
  CyclePoint begin, end;
  std::int64_t insn = -1, rows = -1, bytes = -1;
  std::int64_t line = 0;
};

enum class Use { kNone, kWork, kWait, kRun };

struct Track {
  std::string name;
  std::int64_t unit = -1;  // once it has a slice
  bool open = false;
  Use use = Use::kNone;  // of the slice that is open
  Kept slice;
  std::optional<std::int64_t> cycles;  // of the slice, where its times are not its cycles
};

class Reader {
 public:
  Reader(ByteSource& in, CheckedEvents& to) : in_(in), to_(to) {}

  void read() {
    std::string packet;
    while (next_packet(packet)) take_packet(packet);
    for (Unit& unit : units_) tell_waits(unit, kNever);
    to_.about(info_);
    to_.finish(line_);
  }

 private:
  struct Unit {
    std::string name;
    std::deque<Kept> waits;
  };
  struct Argument {
    std::string_view name, text;
    std::int64_t value = 0;
  };

  [[noreturn]] void fail(const std::string& what, const std::string& expected) const {
    to_.fail(line_, what, expected);
  }
  [[noreturn]] void fail_whole() const {
    fail("the packet is damaged or cut off", "a whole trace that `systole run --trace` wrote");
  }
  std::uint64_t varint();
  bool next_packet(std::string& packet);
  // Calls visit(field) for each of a message.
  template <typename Visit>
  void for_each(std::string_view message, Visit&& visit) const;

  void take_packet(std::string_view packet);
  void take_words(std::string_view interned);
  void take_track(std::string_view descriptor);
  void take_event(std::string_view event, std::int64_t at);
  void begin(Track& track, std::string_view event, std::int64_t at);
  void take_argument(Track& track, const Argument& argument);
  [[nodiscard]] Argument argument_of(std::string_view annotation) const;
  void end(Track& track, std::int64_t at);
  [[nodiscard]] std::string_view word(Interned kind, std::uint64_t id) const;

  [[nodiscard]] Unit& unit_of(Track& track, std::string_view name);
  void tell(const Unit& unit, const Kept& kept, bool works);
  void tell_waits(Unit& unit, CyclePoint before);

  ByteSource& in_;
  CheckedEvents& to_;
  std::int64_t line_ = 0;
  TraceInfo info_{.model = {}, .machine = {}, .clock_hertz = 0};
  std::map<std::pair<Interned, std::uint64_t>, std::string> words_;
  std::size_t letters_ = 0;
  std::map<std::uint64_t, Track> tracks_;
  std::deque<Unit> units_;
  bool has_process_ = false;
};

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (in_.at_end()) fail_whole();
    const auto byte = static_cast<std::uint8_t>(in_.peek());
    in_.next();
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail_whole();
}

bool Reader::next_packet(std::string& packet) {
  if (in_.at_end()) return false;
  ++line_;
  constexpr std::uint64_t kLength = 2;  // wire type
  if (varint() != (trace::kPacket << 3 | kLength)) fail("is no packet", "a Perfetto trace");
  const std::uint64_t size = varint();
  if (size > kLongestPacket) {
    fail(fmt::format("a packet of {} bytes", size), fmt::format("at most {}", kLongestPacket));
  }
  packet.clear();
  for (std::uint64_t i = 0; i < size; ++i, in_.next()) {
    if (in_.at_end()) fail_whole();
    packet += in_.peek();
  }
  return true;
}

template <typename Visit>
void Reader::for_each(std::string_view message, Visit&& visit) const {
  ProtoReader reader(message);
  while (const auto field = reader.next()) visit(*field);
  if (reader.damaged()) fail_whole();
}

void Reader::take_packet(std::string_view packet) {
  std::int64_t at = 0;
  std::string_view event;
  for_each(packet, [&](const ProtoField& field) {
    switch (field.number) {
      case packet_field::kTimestamp:
        at = static_cast<std::int64_t>(field.value);
        break;
      case packet_field::kTrackEvent:
        event = field.bytes;
        break;
      case packet_field::kInternedData:
        take_words(field.bytes);
        break;
      case packet_field::kTrackDescriptor:
        take_track(field.bytes);
        break;
      default:
        break;
    }
  });
  if (!event.empty()) take_event(event, at);
}

void Reader::take_words(std::string_view interned) {
  for_each(interned, [&](const ProtoField& entry) {
    std::uint64_t id = 0;
    std::string_view text;
    for_each(entry.bytes, [&](const ProtoField& field) {
      if (field.number == interned::kIid) id = field.value;
      if (field.number == interned::kWord) text = field.bytes;
    });
    letters_ += text.size();
    if (words_.size() == kMostWords || letters_ > kMostLetters) {
      fail(fmt::format("more than {} names or {} letters", kMostWords, kMostLetters),
           "the names of one run");
    }
    words_.insert_or_assign({static_cast<Interned>(entry.number), id}, std::string(text));
  });
}

void Reader::take_track(std::string_view descriptor) {
  std::uint64_t id = 0;
  bool is_process = false;
  std::string name;
  for_each(descriptor, [&](const ProtoField& field) {
    if (field.number == descriptor::kUuid) id = field.value;
    if (field.number == descriptor::kName) name = field.bytes;
    is_process = is_process || field.number == descriptor::kProcess;
  });
  if (is_process) {
    if (has_process_) fail("a second run begins", "the trace of one run");
    has_process_ = true;
    return;
  }
  if (tracks_.size() == kMostTracks) {
    fail(fmt::format("more than {} tracks", kMostTracks), "the units of one machine");
  }
  tracks_[id].name = std::move(name);
}

void Reader::take_event(std::string_view event, std::int64_t at) {
  std::uint64_t type = 0, id = 0;
  for_each(event, [&](const ProtoField& field) {
    if (field.number == event_field::kType) type = field.value;
    if (field.number == event_field::kTrack) id = field.value;
  });
  if (type != event_field::kBegin && type != event_field::kEnd) return;
  const auto track = tracks_.find(id);
  if (track == tracks_.end()) fail("a slice of a track that nobody described", "its descriptor");
  if (type == event_field::kEnd) return end(track->second, at);
  begin(track->second, event, at);
}

std::string_view Reader::word(Interned kind, std::uint64_t id) const {
  const auto found = words_.find({kind, id});
  if (found == words_.end()) fail(fmt::format("no word has number {}", id), "its text before it");
  return found->second;
}

Reader::Argument Reader::argument_of(std::string_view annotation) const {
  Argument argument;
  for_each(annotation, [&](const ProtoField& field) {
    if (field.number == event_field::kArgumentName) {
      argument.name = word(Interned::kArgument, field.value);
    } else if (field.number == event_field::kInt) {
      argument.value = static_cast<std::int64_t>(field.value);
    } else if (field.number == event_field::kText) {
      argument.text = word(Interned::kText, field.value);
    }
  });
  return argument;
}

void Reader::begin(Track& track, std::string_view event, std::int64_t at) {
  Kept slice;
  Use use = Use::kNone;
  slice.begin = CyclePoint(at);
  slice.line = line_;
  for_each(event, [&](const ProtoField& field) {
    if (field.number == event_field::kName) slice.name = word(Interned::kName, field.value);
    if (field.number != event_field::kCategory) return;
    const std::string_view of = word(Interned::kCategory, field.value);
    use = of == category::kWork   ? Use::kWork
          : of == category::kWait ? Use::kWait
          : of == category::kRun  ? Use::kRun
                                  : Use::kNone;
  });
  if (use == Use::kNone) return;  // layers and tiles, which are told by their instructions
  if (track.open) fail("a slice begins in another of its track", "the end of that before it");
  track.open = true;
  track.use = use;
  track.slice = std::move(slice);
  track.cycles.reset();
  for_each(event, [&](const ProtoField& field) {
    if (field.number == event_field::kArgument) take_argument(track, argument_of(field.bytes));
  });
}

void Reader::take_argument(Track& track, const Argument& argument) {
  Kept& slice = track.slice;
  if (track.use == Use::kRun) {
    if (argument.name == "model") info_.model = argument.text;
    if (argument.name == "machine") info_.machine = argument.text;
    if (argument.name == "part") info_.part = argument.text;
    if (argument.name == "clock_hertz") info_.clock_hertz = argument.value;
    if (argument.name == "cycles") track.cycles = argument.value;
    return;
  }
  if (argument.name == "layer") slice.layer = argument.text;
  if (argument.name == "insn") slice.insn = argument.value - 1;
  if (argument.name == "rows") slice.rows = argument.value;
  if (argument.name == "bytes") slice.bytes = argument.value;
  if (argument.name == "cycle") slice.begin = CyclePoint(argument.value);
  if (argument.name == "cycles") track.cycles = argument.value;
}

void Reader::end(Track& track, std::int64_t at) {
  if (!track.open) return;  // of a layer or a tile
  track.open = false;
  if (track.use == Use::kRun) {
    if (track.cycles) to_.total(*track.cycles, line_);
    return;
  }
  Kept& slice = track.slice;
  slice.end = track.cycles ? slice.begin + CycleCount(*track.cycles) : CyclePoint(at);
  if (track.use == Use::kWork) {
    Unit& unit = unit_of(track, track.name);
    tell_waits(unit, slice.begin);
    return tell(unit, slice, true);
  }
  const std::string_view name = track.name;
  if (!name.ends_with(kWaitsTrack)) fail("waits in a track of work", "a track of a unit's waits");
  Unit& unit = unit_of(track, name.substr(0, name.size() - std::string_view(kWaitsTrack).size()));
  if (unit.waits.size() == kMostWaits) {
    fail(fmt::format("{} waits {} times without work", unit.name, kMostWaits), "a run");
  }
  unit.waits.push_back(std::move(slice));
}

Reader::Unit& Reader::unit_of(Track& track, std::string_view name) {
  if (track.unit < 0) {
    const auto known = std::ranges::find(units_, name, &Unit::name);
    track.unit = known - units_.begin();
    if (known == units_.end()) units_.push_back({std::string(name), {}});
  }
  return units_[static_cast<std::size_t>(track.unit)];
}

void Reader::tell(const Unit& unit, const Kept& kept, bool works) {
  to_.slice({.track = unit.name,
             .name = kept.name,
             .cls = works ? std::string_view("busy") : std::string_view(kept.name),
             .layer = kept.layer,
             .begin = kept.begin,
             .end = kept.end,
             .insn = kept.insn,
             .rows = kept.rows,
             .bytes = kept.bytes},
            kept.line);
}

void Reader::tell_waits(Unit& unit, CyclePoint before) {
  for (; !unit.waits.empty() && unit.waits.front().begin < before; unit.waits.pop_front()) {
    tell(unit, unit.waits.front(), false);
  }
}

}  // namespace

void read_perfetto_trace(ByteSource& in, CheckedEvents& to) { Reader(in, to).read(); }

// A packet, shorter than 128 bytes, whose first field is the sequence it belongs to.
bool begins_perfetto_trace(std::string_view head) {
  constexpr char kPacketTag = trace::kPacket << 3 | 2, kSequenceTag = packet_field::kSequence << 3;
  return head.size() > 2 && head[0] == kPacketTag && head[1] > 0 && head[2] == kSequenceTag;
}

}  // namespace systole::traces
