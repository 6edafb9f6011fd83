// Perfetto's field numbers and what is written in them (github.com/google/perfetto,
// protos/perfetto/trace; those used here stand in tests/traces/schema, too).
#include "traces/sinks/perfetto_packets.h"

#include "base/clean.h"
#include "base/fnv.h"

namespace systole::traces {
namespace {

// Messages as in the schema; an enumerator is a field's number.
namespace trace {
enum : std::uint32_t { kPacket = 1 };
}
namespace packet_field {
enum : std::uint32_t {
  kClockSnapshot = 6,
  kTimestamp = 8,
  kSequence = 10,
  kTrackEvent = 11,
  kInternedData = 12,
  kSequenceFlags = 13,
  kTrackDescriptor = 60,
};
constexpr std::int64_t kStateCleared = 1, kNeedsState = 2;  // SequenceFlags
}  // namespace packet_field
namespace clock_field {
enum : std::uint32_t { kClocks = 1, kClockId = 1, kTimestamp = 2 };
constexpr std::int64_t kMonotonic = 3, kBootTime = 6;  // BuiltinClock
}  // namespace clock_field
namespace interned {
enum : std::uint32_t { kIid = 1, kWord = 2 };  // of each kind of entry
}
namespace descriptor {
enum : std::uint32_t {
  kUuid = 1,
  kName = 2,
  kProcess = 3,
  kParent = 5,
  kCounter = 8,
  kChildOrdering = 11,
  kRank = 12,
};
constexpr std::int64_t kExplicit = 3;  // ChildTracksOrdering
enum Process : std::uint32_t { kPid = 1, kProcessName = 6 };
enum Counter : std::uint32_t { kUnit = 3, kUnitName = 6 };
constexpr std::int64_t kSizeBytes = 3;  // CounterDescriptor.Unit
}  // namespace descriptor
namespace event_field {
enum : std::uint32_t {
  kCategory = 3,
  kArgument = 4,
  kType = 9,
  kName = 10,
  kTrack = 11,
  kCounter = 30,
  kDoubleCounter = 44,
  kFlow = 47,
  kLastFlow = 48,
};
constexpr int kBegin = 1, kEnd = 2, kCounterType = 4;  // Type
enum Argument : std::uint32_t { kArgumentName = 1, kInt = 4, kText = 17 };
}  // namespace event_field

constexpr std::uint64_t kNumbersEach = 512;  // enough for the tracks of all units

// A place of its own for the numbers of traces with this title: one of 4095, so that a track's
// number takes three bytes.
std::uint64_t base_of(std::string_view title) {
  std::uint64_t hash = kFnvStart;
  for (const char c : title) {
    const auto byte = static_cast<std::uint8_t>(c);
    hash = fnv1a({&byte, 1}, hash);
  }
  constexpr std::uint64_t kPlaces = 4095;
  return (hash % kPlaces + 1) * kNumbersEach;
}

}  // namespace

PerfettoPackets::PerfettoPackets(std::ostream& out, std::string_view title)
    : out_(out), base_(base_of(title)), last_track_(base_) {
  start(title);
}

template <typename Fill>
void PerfettoPackets::packet(Fill&& fill) {
  ProtoWriter file;
  file.message(trace::kPacket, [&](ProtoWriter& to) {
    to.integer(packet_field::kSequence, static_cast<std::int64_t>(base_ / kNumbersEach));
    fill(to);
  });
  out_.write(file.bytes().data(), static_cast<std::streamsize>(file.bytes().size()));
}

void PerfettoPackets::start(std::string_view title) {
  // The trace's times begin at 0 of either clock, whichever another trace beside it goes by.
  packet([](ProtoWriter& to) {
    to.integer(packet_field::kSequenceFlags, packet_field::kStateCleared);
    to.message(packet_field::kClockSnapshot, [](ProtoWriter& snapshot) {
      for (const std::int64_t clock : {clock_field::kMonotonic, clock_field::kBootTime}) {
        snapshot.message(clock_field::kClocks, [&](ProtoWriter& reading) {
          reading.integer(clock_field::kClockId, clock);
          reading.integer(clock_field::kTimestamp, 0);
        });
      }
    });
  });
  packet([&](ProtoWriter& to) {
    to.message(packet_field::kTrackDescriptor, [&](ProtoWriter& track) {
      track.integer(descriptor::kUuid, static_cast<std::int64_t>(base_));
      track.message(descriptor::kProcess, [&](ProtoWriter& process) {
        process.integer(descriptor::kPid, static_cast<std::int64_t>(base_));
        process.text(descriptor::kProcessName, clean(title));
      });
      track.integer(descriptor::kChildOrdering, descriptor::kExplicit);
    });
  });
}

WordId PerfettoPackets::intern(Interned kind, std::string_view word) {
  auto& known = words_[kind];
  const auto found = known.find(word);
  if (found != known.end()) return found->second;
  const WordId id = known.size() + 1;
  known.emplace(word, id);
  packet([&](ProtoWriter& to) {
    to.integer(packet_field::kSequenceFlags, packet_field::kNeedsState);
    to.message(packet_field::kInternedData, [&](ProtoWriter& data) {
      data.message(static_cast<std::uint32_t>(kind), [&](ProtoWriter& entry) {
        entry.integer(interned::kIid, static_cast<std::int64_t>(id));
        entry.text(interned::kWord, clean(word));
      });
    });
  });
  return id;
}

template <typename Fill>
TrackId PerfettoPackets::describe(const TrackShape& shape, Fill&& fill) {
  const TrackId id = ++last_track_;
  packet([&](ProtoWriter& to) {
    to.message(packet_field::kTrackDescriptor, [&](ProtoWriter& track) {
      track.integer(descriptor::kUuid, static_cast<std::int64_t>(id));
      track.text(descriptor::kName, clean(shape.name));
      track.integer(descriptor::kParent,
                    static_cast<std::int64_t>(shape.parent == 0 ? base_ : shape.parent));
      fill(track);
      track.integer(descriptor::kRank, shape.rank);
    });
  });
  return id;
}

TrackId PerfettoPackets::track(const TrackShape& shape) {
  return describe(shape, [](ProtoWriter&) {});
}

TrackId PerfettoPackets::counter_track(const TrackShape& shape, const CounterUnit& unit) {
  return describe(shape, [&](ProtoWriter& track) {
    track.message(descriptor::kCounter, [&](ProtoWriter& counter) {
      if (unit.is_bytes) counter.integer(descriptor::kUnit, descriptor::kSizeBytes);
      if (!unit.is_bytes) counter.text(descriptor::kUnitName, unit.name);
    });
  });
}

template <typename Fill>
void PerfettoPackets::event(std::int64_t at, int type, TrackId track, Fill&& fill) {
  packet([&](ProtoWriter& to) {
    to.integer(packet_field::kTimestamp, at);
    if (type == event_field::kBegin) {
      to.integer(packet_field::kSequenceFlags, packet_field::kNeedsState);
    }
    to.message(packet_field::kTrackEvent, [&](ProtoWriter& event) {
      event.integer(event_field::kType, type);
      event.integer(event_field::kTrack, static_cast<std::int64_t>(track));
      fill(event);
    });
  });
}

void PerfettoPackets::begin(const SliceBegin& slice) {
  event(slice.at, event_field::kBegin, slice.track, [&](ProtoWriter& event) {
    event.integer(event_field::kName, static_cast<std::int64_t>(slice.name));
    event.integer(event_field::kCategory, static_cast<std::int64_t>(slice.category));
    for (const Argument& argument : slice.arguments) {
      event.message(event_field::kArgument, [&](ProtoWriter& to) {
        to.integer(event_field::kArgumentName, static_cast<std::int64_t>(argument.name));
        to.integer(argument.is_text ? event_field::kText : event_field::kInt, argument.value);
      });
    }
    for (const std::uint64_t flow : slice.flows_out) event.fixed64(event_field::kFlow, flow);
    for (const std::uint64_t flow : slice.flows_in) event.fixed64(event_field::kLastFlow, flow);
  });
}

void PerfettoPackets::end(TrackId track, std::int64_t at) {
  event(at, event_field::kEnd, track, [](ProtoWriter&) {});
}

void PerfettoPackets::counter(TrackId track, std::int64_t at, std::int64_t value) {
  event(at, event_field::kCounterType, track,
        [&](ProtoWriter& event) { event.integer(event_field::kCounter, value); });
}

void PerfettoPackets::counter(TrackId track, std::int64_t at, double value) {
  event(at, event_field::kCounterType, track,
        [&](ProtoWriter& event) { event.real(event_field::kDoubleCounter, value); });
}

}  // namespace systole::traces
