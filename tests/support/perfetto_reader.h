// Reading a Perfetto trace back, by the published schema and by nothing of the writer's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace systole::testing_support {

struct PerfettoTrack {
  std::string name, process, unit;  // of a process; of a counter
  std::uint64_t parent = 0;
  std::int64_t rank = 0;
  bool is_counter = false;
};

struct PerfettoEvent {
  std::int64_t at = 0;
  std::string type;  // "BEGIN", "END", "COUNTER"
  std::uint64_t track = 0;
  std::string name, category;
  std::map<std::string, std::int64_t> numbers;
  std::map<std::string, std::string> texts;
  std::vector<std::uint64_t> flows_out, flows_in;
  double value = 0;  // of a counter
};

// A slice with the slices around it in its track, outermost first.
struct PerfettoSlice {
  PerfettoEvent begin;
  std::int64_t end = 0;
  std::vector<std::string> around{};
};

struct PerfettoContent {
  std::map<std::uint64_t, PerfettoTrack> tracks;  // by uuid
  std::vector<PerfettoEvent> events;              // in order of time, then of the file
  std::vector<std::string> faults;                // unknown fields, what names nothing, imbalance

  // The slices of the tracks of this name.
  [[nodiscard]] std::vector<PerfettoSlice> slices(const std::string& track) const;
  // "at=value" of each event of a counter.
  [[nodiscard]] std::vector<std::string> levels(const std::string& track) const;
};
[[nodiscard]] PerfettoContent read_perfetto(const std::string& bytes);

}  // namespace systole::testing_support
