// See timeline.h.
#include "report/timeline.h"

#include <algorithm>

#include "traces/explain/critical_path.h"

namespace systole::report {
namespace {

using Piece = Timeline::Piece;

constexpr std::string_view kBusy = "busy";

void add(Piece& piece, const Piece& next) {
  if (next.longest > piece.longest) {
    piece.longest = next.longest;
    piece.name = next.name;
    piece.layer = next.layer;
  }
  const auto sum_up = [](std::int64_t& sum, std::int64_t more) {
    if (more >= 0) sum = std::max<std::int64_t>(sum, 0) + more;
  };
  piece.end = next.end;
  piece.busy += next.busy;
  piece.waited += next.waited;
  piece.slices += next.slices;
  piece.insn = -1;
  sum_up(piece.rows, next.rows);
  sum_up(piece.bytes, next.bytes);
}

// Joins what lies in one grain.
void join_within(std::vector<Piece>& pieces, CycleCount grain) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool joins = kept > 0 && pieces[kept - 1].begin.value / grain.value ==
                                       (pieces[i].end.value - 1) / grain.value;
    if (joins) {
      add(pieces[kept - 1], pieces[i]);
    } else {
      pieces[kept++] = pieces[i];
    }
  }
  pieces.resize(kept);
}

// What the wait [begin, end) went to, on the chain to a moment at or after its end.
std::int32_t cause_of(const sim::Causes& causes, sim::Moment moment, const Piece& wait) {
  traces::ByResource cycles = traces::chain_to(causes, moment, wait.begin);
  const traces::ByResource later = traces::chain_to(causes, moment, wait.end);
  for (std::size_t r = 0; r < cycles.size(); ++r) cycles[r] -= later[r];
  return static_cast<std::int32_t>(index(traces::largest(cycles)));
}

// Of an instruction of the lane's unit that started in this cycle, or of the end of the run.
sim::Moment moment_at(const Timeline::Lane& lane, CyclePoint at, const sim::Causes& causes) {
  const auto start = std::ranges::lower_bound(lane.starts, std::pair(at, std::int64_t{0}));
  if (start != lane.starts.end() && start->first == at) {
    const auto found =
        std::ranges::lower_bound(causes.starts(), start->second, {}, &sim::Causes::Start::serial);
    const bool known = found != causes.starts().end() && found->serial == start->second;
    return known ? found->moment : sim::kStart;
  }
  const bool ends = causes.nodes()[static_cast<std::size_t>(causes.end())].at == at;
  return ends ? causes.end() : sim::kStart;
}

}  // namespace

std::int32_t Texts::number_of(std::string_view text) {
  const auto found = numbers_.find(text);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<std::int32_t>(all_.size());
  numbers_.emplace(text, number);
  all_.emplace_back(text);
  return number;
}

Timeline::Lane& Timeline::lane_of(std::string_view track) {
  const auto found = std::ranges::find(lanes_, track, &Lane::track);
  if (found != lanes_.end()) return *found;
  lanes_.push_back({std::string(track), {}, {}});
  return lanes_.back();
}

void Timeline::slice(const sim::Slice& slice) {
  if (slice.begin == slice.end) return;
  ++slices_;
  ++kept_;
  const CycleCount length = slice.end - slice.begin;
  Piece piece;
  piece.begin = slice.begin;
  piece.end = slice.end;
  (slice.cls == kBusy ? piece.busy : piece.waited) = piece.longest = length;
  piece.insn = slice.insn;
  piece.rows = slice.rows;
  piece.bytes = slice.bytes;
  piece.name = names_.number_of(slice.name);
  piece.layer = layers_.number_of(slice.layer);
  lane_of(slice.track).pieces.push_back(piece);
  if (kept_ > most_) make_room();
}

// What came since the last time is joined first; then a quarter is to be free.
void Timeline::make_room() {
  for (join(); kept_ > most_ - most_ / 4; join()) grain_ = grain_ * 2;
}

void Timeline::join() {
  kept_ = 0;
  for (Lane& lane : lanes_) {
    join_within(lane.pieces, grain_);
    kept_ += lane.pieces.size();
  }
}

void Timeline::instruction(const sim::Life& life) {
  if (starts_ == kMostStarts) return;
  ++starts_;
  lane_of(life.unit).starts.emplace_back(life.start, life.serial);
}

void Timeline::find_causes(sim::Causes& causes) {
  causes.sort_starts();
  for (Lane& lane : lanes_) {
    std::ranges::sort(lane.starts);
    // Of what follows a piece without a break: why it was not earlier; kStart if that is unknown.
    sim::Moment moment = sim::kStart;
    CyclePoint begin = kNever;
    for (auto piece = lane.pieces.rbegin(); piece != lane.pieces.rend(); ++piece) {
      if (const sim::Moment starts = moment_at(lane, piece->end, causes); starts != sim::kStart) {
        moment = starts;
      } else if (piece->end != begin) {
        moment = sim::kStart;
      }
      const bool waits = piece->slices == 1 && piece->waited > CycleCount(0);
      if (waits && moment != sim::kStart) piece->cause = cause_of(causes, moment, *piece);
      if (!waits) moment = sim::kStart;
      begin = piece->begin;
    }
  }
}

}  // namespace systole::report
