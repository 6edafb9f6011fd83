// What is written in the packets' fields.
#include "traces/sinks/perfetto_packets.h"

#include "base/clean.h"
#include "base/fnv.h"
#include "traces/sinks/perfetto_fields.h"

namespace systole::traces {
namespace {

constexpr std::uint64_t kNumbersEach = 512;  // enough for the tracks of all units

// A place of its own for the numbers of traces with this title: one of 4095, so that a track's
// number takes three bytes.
std::uint64_t base_of(std::string_view title, RunOf run) {
  std::uint64_t hash = kFnvStart;
  for (const char c : title) {
    const auto byte = static_cast<std::uint8_t>(c);
    hash = fnv1a({&byte, 1}, hash);
  }
  constexpr std::uint64_t kPlaces = 4095;
  if (run == RunOf::kAlone) return (hash % kPlaces + 1) * kNumbersEach;
  return (hash % (kPlaces / 2) * 2 + (run == RunOf::kA ? 1 : 2)) * kNumbersEach;
}

}  // namespace

PerfettoPackets::PerfettoPackets(std::ostream& out, std::string_view title, RunOf run)
    : out_(out), base_(base_of(title, run)), last_track_(base_) {
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
