// Scheduling policies by what the machine then does: paper2015 takes its steps one after the other,
// overlap does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/diag.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"

namespace systole::compiler {
namespace {

struct Work {
  std::string track, name, layer;
  CyclePoint begin, end;
};

class WorkProbe : public sim::Probe {
 public:
  void slice(const sim::Slice& s) override {
    if (s.cls != "busy") return;
    work.push_back(
        {std::string(s.track), std::string(s.name), std::string(s.layer), s.begin, s.end});
  }
  void counter(std::string_view, CyclePoint, std::int64_t) override {}
  std::vector<Work> work;
};

constexpr std::int64_t kLayers = 3;

// Three layers on an 8 x 8 array, two batches of 12; link and weight memory keep a row in pace.
std::vector<Work> work_of(const std::string& schedule) {
  isa::Machine machine = isa::load_machine("tiny_8");
  LoadOptions load;
  load.batch = 12;
  const Graph graph = load_model("mlp:20,24,16,8", load);
  const isa::Program program =
      compile(graph, machine, {.batches = 2, .timing_only = true, .schedule = schedule});
  WorkProbe probe;
  sim::RunOptions options;
  options.timing_only = true;
  options.probe = &probe;
  (void)sim::run(program, machine, {}, options);
  return probe.work;
}

std::vector<Work> filtered(const std::vector<Work>& all, const std::string& track,
                           const std::string& name, const std::string& layer = "") {
  std::vector<Work> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found), [&](const Work& w) {
    return w.track == track && w.name == name && (layer.empty() || w.layer == layer);
  });
  return found;
}

// The first or the second batch's half of a list of equal halves.
std::vector<Work> half(const std::vector<Work>& all, bool second) {
  EXPECT_EQ(all.size() % 2, 0U);
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  return second ? std::vector<Work>(middle, all.end()) : std::vector<Work>(all.begin(), middle);
}

// A batch's steps in order, each as the work of its last unit and that of the next one's first.
struct Border {
  std::vector<Work> before, after;
};
std::vector<Border> borders(const std::vector<Work>& work) {
  std::vector<Border> list;
  for (const bool second : {false, true}) {
    std::vector<Work> before = half(filtered(work, "dma_in", "read_host"), second);
    for (int layer = 1; layer <= kLayers; ++layer) {
      const std::string name = "fc" + std::to_string(layer);
      list.push_back({before, half(filtered(work, "matrix", "matmul", name), second)});
      before = half(filtered(work, "activation", "activate", name), second);
    }
    list.push_back({before, half(filtered(work, "dma_out", "write_host"), second)});
    before = list.back().after;
    if (!second) list.push_back({before, half(filtered(work, "dma_in", "read_host"), true)});
  }
  return list;
}

bool in_steps(const Border& border) {
  const auto by_end = [](const Work& a, const Work& b) { return a.end < b.end; };
  const auto by_begin = [](const Work& a, const Work& b) { return a.begin < b.begin; };
  EXPECT_FALSE(border.before.empty() || border.after.empty());
  return std::max_element(border.before.begin(), border.before.end(), by_end)->end <=
         std::min_element(border.after.begin(), border.after.end(), by_begin)->begin;
}

TEST(Schedule, Paper2015TakesItsStepsOneAfterTheOther) {
  const std::vector<Border> all = borders(work_of("paper2015"));
  EXPECT_EQ(all.size(), 2U * (kLayers + 1) + 1);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(in_steps(all[i])) << "border " << i;
}

TEST(Schedule, OverlapDoesNot) {
  const std::vector<Border> all = borders(work_of("overlap"));
  EXPECT_LT(std::count_if(all.begin(), all.end(), in_steps), std::ssize(all));
  EXPECT_FALSE(in_steps(all.at(kLayers + 1))) << "the next batch's input overlaps the output";
}

TEST(Schedule, NeedsABatch) {
  const Graph graph = load_model("gemm:8,8,8", {});
  EXPECT_THROW(static_cast<void>(compile(graph, isa::load_machine("tpu_v1"), {.batches = 0})),
               InputError);
}

TEST(Schedule, UnknownNamesListTheKnownOnes) {
  try {
    (void)schedule_named("fastest");
    FAIL() << "accepted";
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "--schedule: schedule 'fastest'; expected one of overlap, paper2015");
  }
  EXPECT_EQ(schedule_named("paper2015"), Schedule::kPaper2015);
}

}  // namespace
}  // namespace systole::compiler
