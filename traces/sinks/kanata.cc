// Lines of a Kanata log, put in order of time (story in kanata.h).
#include "traces/sinks/kanata.h"

#include <fmt/core.h>

#include "base/clean.h"
#include "isa/unit.h"

namespace systole::traces {
namespace {

// A number for each unit, as the log has threads.
std::size_t number_of(std::string_view unit) {
  std::size_t number = 0;
  while (number < isa::kMaxUnits && isa::unit_name(isa::unit_at(number)) != unit) ++number;
  return number;
}

std::string stage(std::int64_t id, std::string_view name) {
  return fmt::format("S\t{}\t0\t{}\n", id, name);
}

}  // namespace

KanataTrace::KanataTrace(std::ostream& out, const TraceInfo& /*info*/) : out_(out) {
  out_ << "Kanata\t0004\nC=\t0\n";
}

void KanataTrace::instruction(const sim::Life& life) {
  write_before(life.dispatched);
  horizon_.dispatched(life.dispatched);
  for (; !completed_.empty() && horizon_.is_behind(completed_.front().first);
       completed_.pop_front()) {
    numbers_.erase(completed_.front().second);
  }
  const std::int64_t id = told_++;
  add(life.dispatched,
      fmt::format("I\t{0}\t{1}\t{2}\nL\t{0}\t0\t{3}: {4} {5}\nL\t{0}\t1\tlayer {6}\n", id,
                  life.serial, number_of(life.unit), life.insn + 1, clean(life.unit),
                  clean(life.name), clean(life.layer)) +
          stage(id, "Q"));
  if (life.head < life.start) add(life.head, stage(id, "W"));
  std::string started = stage(id, "X");
  const auto producer = numbers_.find({std::string(life.awaited_unit), life.awaited_ordinal});
  if (producer != numbers_.end()) started += fmt::format("W\t{}\t{}\t0\n", id, producer->second);
  add(life.start, std::move(started));
  Name name(life.unit, life.ordinal);
  numbers_.emplace(name, id);
  lines_.push({life.completed, added_++, fmt::format("E\t{}\t0\tX\n", id), id, std::move(name)});
}

void KanataTrace::add(CyclePoint at, std::string text) {
  lines_.push({.at = at, .order = added_++, .text = std::move(text)});
}

void KanataTrace::write_before(CyclePoint at) {
  while (!lines_.empty() && lines_.top().at < at) {
    write(lines_.top());
    lines_.pop();
  }
}

void KanataTrace::write(const Lines& lines) {
  if (lines.at > now_) out_ << fmt::format("C\t{}\n", (lines.at - now_).value);
  now_ = lines.at;
  out_ << lines.text;
  if (lines.retires < 0) return;
  out_ << fmt::format("R\t{}\t{}\t0\n", lines.retires, retired_++);
  completed_.emplace_back(lines.at, lines.name);
}

void KanataTrace::finish(CycleCount /*total*/) { write_before(kNever); }

}  // namespace systole::traces
