// Timeline: a run's slices by unit, kept in bounded memory for a page that shows the whole run.
//
// Slices of a unit come in order of time. While there are no more than `most` of them each is kept
// as it is. Beyond that, time is divided into grains, twice as long each time there are too many
// again, and what lies of a unit in one grain becomes one piece: how many slices it stands for, how
// many cycles of work and of waiting, the name of what lasted longest. Long slices stay as they
// are, so a run of any length keeps its outline, and the sums of work and waits stay exact.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/kernel/causes.h"
#include "sim/kernel/probe.h"

namespace systole::report {

// Texts that many pieces share, by number.
class Texts {
 public:
  std::int32_t number_of(std::string_view text);
  [[nodiscard]] const std::vector<std::string>& all() const { return all_; }

 private:
  std::map<std::string, std::int32_t, std::less<>> numbers_;
  std::vector<std::string> all_;
};

class Timeline : public sim::Probe {
 public:
  static constexpr std::int32_t kNoCause = -1;
  struct Piece {
    CyclePoint begin, end;    // [begin, end)
    CycleCount busy, waited;  // the rest is idle; only a piece of several slices has both
    CycleCount longest;       // of its slices: whose name and layer it has
    std::int64_t slices = 1;
    std::int64_t insn = -1;  // index into program.code; -1: none, or several
    std::int64_t rows = -1, bytes = -1;
    std::int32_t name = 0, layer = 0;  // in names(), layers()
    std::int32_t cause = kNoCause;     // of a wait: the resource that its cycles mostly went to
  };
  struct Lane {
    std::string track;
    std::vector<Piece> pieces;
    std::vector<std::pair<CyclePoint, std::int64_t>> starts;  // of its instructions: when, serial
  };
  static constexpr std::size_t kMost = 100'000;

  explicit Timeline(std::size_t most = kMost) : most_(most) {}

  [[nodiscard]] bool wants_counter() const override { return false; }
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void slice(const sim::Slice& slice) override;
  void instruction(const sim::Life& life) override;

  // Says of each wait that ends with an instruction's start, or with the run, what the chain of
  // causes to that moment went through meanwhile.
  void find_causes(sim::Causes& causes);

  [[nodiscard]] const std::vector<Lane>& lanes() const { return lanes_; }  // as they appeared
  [[nodiscard]] const std::vector<std::string>& names() const { return names_.all(); }
  [[nodiscard]] const std::vector<std::string>& layers() const { return layers_.all(); }
  // What was told, and the cycles within which it is merged: 1 if nothing is.
  [[nodiscard]] std::int64_t slices() const { return slices_; }
  [[nodiscard]] CycleCount grain() const { return grain_; }

 private:
  static constexpr std::size_t kMostStarts = 1'000'000;

  Lane& lane_of(std::string_view track);
  void make_room();
  void join();

  std::size_t most_;
  std::vector<Lane> lanes_;
  Texts names_, layers_;
  std::int64_t slices_ = 0;
  std::size_t kept_ = 0, starts_ = 0;
  CycleCount grain_{1};
};

}  // namespace systole::report
