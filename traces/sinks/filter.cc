// See filter.h.
#include "traces/sinks/filter.h"

#include <fmt/format.h>

namespace systole::traces {

std::string words_of(const Selection& selection) {
  std::vector<std::string> parts;
  const bool ends = selection.to != kNever;
  if (ends) {
    parts.push_back(fmt::format("cycles {} to {}", selection.from.value, selection.to.value));
  } else if (selection.from > CyclePoint(0)) {
    parts.push_back(fmt::format("cycles from {}", selection.from.value));
  }
  const auto add = [&](const char* what, const auto& names) {
    if (!names.empty()) parts.push_back(fmt::format("{} {}", what, fmt::join(names, ", ")));
  };
  add("units", selection.units);
  add("layers", selection.layers);
  return fmt::format("{}", fmt::join(parts, "; "));
}

bool Filter::takes(std::string_view unit, std::string_view layer) const {
  const auto has = [](const auto& names, std::string_view name) {
    return names.empty() || names.contains(name);
  };
  return has(selection_.units, unit) && has(selection_.layers, layer);
}

void Filter::slice(const sim::Slice& slice) {
  if (!touches(slice.begin, slice.end) || !takes(slice.track, slice.layer)) return;
  sink_->slice(slice);
}

void Filter::counter(std::string_view name, CyclePoint at, std::int64_t value) {
  Level& level = levels_.try_emplace(std::string(name)).first->second;
  if (at > selection_.from) tell_level(name, level);
  if (at < selection_.from) {
    level = {value, true};
    return;
  }
  level.waits = false;
  if (at < selection_.to) sink_->counter(name, at, value);
}

void Filter::tell_level(std::string_view name, Level& level) {
  if (level.waits) sink_->counter(name, selection_.from, level.value);
  level.waits = false;
}

std::string_view Filter::kept(std::string_view text) { return *texts_.emplace(text).first; }

void Filter::instruction(const sim::Life& life) {
  sim::Life& early = early_[life.serial] = life;
  for (std::string_view* text : {&early.unit, &early.name, &early.layer, &early.awaited_unit}) {
    *text = kept(*text);
  }
  for (auto next = early_.begin(); next != early_.end() && next->first == next_serial_;
       next = early_.erase(next)) {
    tell(next->second);
    ++next_serial_;
  }
}

void Filter::tell(const sim::Life& life) {
  if (!touches(life.dispatched, life.completed + CycleCount(1))) return;
  if (takes(life.unit, life.layer)) sink_->instruction(life);
}

void Filter::array(CyclePoint at, const sim::ArrayView& view) {
  if (at >= selection_.from && at < selection_.to) sink_->array(at, view);
}

void Filter::finish(CycleCount total) {
  for (auto& [name, level] : levels_) tell_level(name, level);
  for (const auto& [serial, life] : early_) tell(life);  // of a run that was not told whole
  sink_->finish(total);
}

}  // namespace systole::traces
