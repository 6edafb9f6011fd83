// Kanata: the log of a pipeline, version 0004, that the viewer Konata shows (github.com/shioyadan/
// Konata, docs/kanata-log-format.md).
//
// Every executed instruction is a row, in the order of dispatch: Q from its dispatch on, in its
// unit's queue; W at the queue's head, where it waits; X from its start to its completion. An arrow
// leads from the instruction whose completion was awaited last.
//
// The log goes forward in time while a life is told once it is over, so lines wait in a heap. Since
// lives come in the order of dispatch (sink.h), no line of a later life is before the dispatch of
// the one at hand: all lines before it are written. What waits are lines of instructions in flight
// then, which the machine's queues bound; who can be awaited is remembered a little longer
// (horizon.h).
#pragma once

#include <deque>
#include <map>
#include <ostream>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "traces/sinks/horizon.h"
#include "traces/sinks/sink.h"

namespace systole::traces {

class KanataTrace : public Sink {
 public:
  KanataTrace(std::ostream& out, const TraceInfo& info);

  [[nodiscard]] bool wants_slice() const override { return false; }
  [[nodiscard]] bool wants_counter() const override { return false; }
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void instruction(const sim::Life& life) override;
  void finish(CycleCount total) override;

  // How many lines, or some that belong together, wait.
  [[nodiscard]] std::size_t waiting() const { return lines_.size(); }

 private:
  using Name = std::pair<std::string, std::int64_t>;  // an instruction: unit and ordinal
  struct Lines {
    CyclePoint at;
    std::int64_t order = 0;  // of those of one cycle: as they were told
    std::string text;
    std::int64_t retires = -1;  // the number in the file of the instruction that ends here
    Name name{};

    bool operator>(const Lines& o) const { return std::pair(at, order) > std::pair(o.at, o.order); }
  };

  void add(CyclePoint at, std::string text);
  void write_before(CyclePoint at);
  void write(const Lines& lines);

  std::ostream& out_;
  CyclePoint now_;
  std::int64_t told_ = 0, added_ = 0, retired_ = 0;
  std::map<Name, std::int64_t> numbers_;               // in the file, of who can be awaited
  std::deque<std::pair<CyclePoint, Name>> completed_;  // those of them that are, in order
  Horizon horizon_;
  std::priority_queue<Lines, std::vector<Lines>, std::greater<>> lines_;
};

}  // namespace systole::traces
