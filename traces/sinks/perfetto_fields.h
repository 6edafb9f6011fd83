// Perfetto's field numbers (github.com/google/perfetto, protos/perfetto/trace; those used here
// stand in tests/traces/schema, too), for who writes its packets and who reads them.
#pragma once

#include <cstdint>

namespace systole::traces {

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

// Categories of slices, and what follows a unit's name in its track of waits.
namespace category {
inline constexpr const char* kWork = "work";
inline constexpr const char* kWait = "wait";
inline constexpr const char* kRun = "run";
}  // namespace category
inline constexpr const char* kWaitsTrack = " waits";

}  // namespace systole::traces
