// Law 6, second part: what relieving a resource gains, over models and machines that are bound by
// different things. docs/bounds.md is the table; SYSTOLE_REWRITE=1 writes it anew.
//
//   (b) twice as fast gains at most half of the resource's share, and 1 % of the run
//   (c) where nothing is shared the prediction is what a new run finds, to the cycle
//   (d) elsewhere predicted and found lie within 20 %, or 1 % of the run, in 95 % of cases
//   (e) no single change gains over 1 % of the run more than the bound's
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "base/files.h"
#include "base/source.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "report/why.h"
#include "sim/retime.h"

namespace systole::golden {
namespace {

using sim::Resource;
using sim::ResourceKind;

struct Case {
  const char* model;
  const char* machine;  // with changes, as names say them
  std::int64_t batch = 0, batches = 1;
};

// Link, ports and instructions are nobody's but one unit's.
constexpr const char* kPrivate =
    "unified_buffer.read_ports=0 + unified_buffer.write_ports=0 + sequencer.delivery=preloaded + "
    "dram.kind=simple";

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"gemm:4096,16,512", "tpu_v1"},
      {"gemm:1024,1024,1024", "tpu_v1"},
      {"gemm:2048,1024,512", "tpu_v1"},
      {"gemm:118,4096,256", "tpu_v1"},
      {"gemm:118,4096,256", "tpu_v1 + link.in_bytes_per_second=4x"},
      {"gemm:8,4096,4096", "tpu_v1"},
      {"gemm:256,2048,2048",
       "tpu_v1 + link.in_bytes_per_second=16x + link.out_bytes_per_second=16x"},
      {"gemm:2048,256,256",
       "tpu_v1 + link.in_bytes_per_second=16x + link.out_bytes_per_second=16x"},
      {"gemm:512,512,512", "tpu_v1 + array.weight_load=single"},
      {"gemm:512,512,512", "tpu_v1 + array.weight_load=chain"},
      {"gemm:64,64,64", "tpu_v1"},
      {"gemm:1,256,256", "tpu_v1"},
      {"gemm:1000,1000,32", "scale_sim_ws"},
      {"gemm:200,1024,32", "scale_sim_ws"},
      {"gemm:512,256,256", "edge_64"},
      {"gemm:512,256,256",
       "edge_64 + link.in_bytes_per_second=16x + link.out_bytes_per_second=16x"},
      {"gemm:512,256,256", "tpu_v1_prime"},
      {"gemm:256,256,256", "tiny_8"},
      {"gemm:256,256,256", "tiny_8 + sequencer.decode_cycles=20"},
      {"gemm:256,256,256", "tiny_8 + weight_fifo.tiles=1"},
      {"vadd:65536", "tpu_v1"},
      {"vadd:65536", "tpu_v1 + link.latency=1"},
      {"vadd:65536", "tpu_v1 + link.in_bytes_per_second=64x + link.out_bytes_per_second=64x"},
      {"vadd:65536", "edge_64"},
      {"mlp:784,512,10", "tpu_v1", 1},
      {"mlp:784,512,10", "tpu_v1", 200},
      {"mlp:784,512,10", "tpu_v1", 8, 16},
      {"mlp:784,512,10", "edge_64", 64},
      {"mlp:784,512,10", "tiny_8", 16},
      {"mlp:2000,2000,2000,2000", "tpu_v1", 8},
      {"mlp:2000,2000,2000,2000", "tpu_v1 + dram.bytes_per_second=8x", 8},
      {"mlp:2000,2000,2000,2000", "tpu_v1 + dram.latency=5000", 8},
      {"mlp:64,64", "tpu_v1 + link.latency=20000", 64},
      {"mlp:256,256,256,256", "tpu_v1", 256, 8},
      {"mlp:256,256,256,256", "tpu_v1 + sequencer.queue=1", 256, 8},
      {"mlp:256,256,256,256", "tpu_v1 + sequencer.queue=2 + sequencer.decode_cycles=50", 256, 8},
      {"mlp:256,256,256,256", "tpu_v1 + activation.depth=1000", 4, 8},
      {"conv:1,64,56,56,64,3,3,1,1", "tpu_v1"},
      {"conv:1,64,56,56,64,3,3,1,1",
       "tpu_v1 + link.in_bytes_per_second=64x + link.out_bytes_per_second=64x"},
      {"conv:8,64,28,28,128,3,3,1,1", "tpu_v1"},
      {"conv:4,3,64,64,64,7,7,2,3", "tpu_v1"},
      {"conv:1,256,14,14,256,3,3,1,1", "edge_64"},
      {"conv:1,8,10,10,8,3,3,1,1", "tiny_8"},
      {"fashion_cnn", "tpu_v1", 50},
      {"fashion_cnn", "tpu_v1", 50, 4},
      {"fashion_cnn", "tpu_v1 + unified_buffer.read_ports=2 + unified_buffer.write_ports=2", 50, 4},
      {"fashion_cnn", "edge_64", 10},
      {"fashion_mlp", "tpu_v1", 20},
      {"resnet18", "tpu_v1", 1},
      {"resnet18", "tpu_v1", 8},
      {"resnet50", "tpu_v1", 1},
      {"resnet50", "tpu_v1", 8},
      {"resnet50", "tpu_v1_prime", 8},
      {"mobilenet_v2", "tpu_v1", 8},
      {"mobilenet_v2", "tpu_v1_prime", 8},
      {"resnet18", "tpu_v1 + unified_buffer.write_ports=4 + unified_buffer.read_ports=4", 8},
      {"gemm:512,512,512", kPrivate},
      {"gemm:118,4096,256", kPrivate},
      {"mlp:784,512,10", kPrivate, 200},
      {"mlp:256,256,256,256", kPrivate, 256, 8},
      {"mlp:2000,2000,2000,2000", kPrivate, 8},
      {"conv:1,64,56,56,64,3,3,1,1", kPrivate},
      {"vadd:65536", kPrivate},
      {"resnet18", kPrivate, 4},
  };
  return all;
}

isa::Machine machine_of(const Case& c) {
  const std::string name = c.machine;
  return isa::load_machine(name == kPrivate ? "tpu_v1 + " + name : name);
}

std::string model_path(const std::string& model) {
  if (model.find(':') != std::string::npos) return model;
  return model.starts_with("fashion") ? data_path("models/" + model + ".onnx") : model;
}

// A case's program, its explanation and what every single change gains.
struct Answer {
  struct Gains {
    Resource resource;
    double share, predicted, found;
  };
  std::string bound;
  double bound_gain = 0, best = 0;
  Resource best_change{};
  std::vector<Gains> gains;
};

CycleCount cycles_on(const isa::Program& program, const isa::Machine& machine,
                     sim::Causes* causes = nullptr) {
  sim::RunOptions options;
  options.timing_only = true;
  options.causes = causes;
  return sim::run(program, machine, {}, options).report.total.cycles;
}

Answer answer(const Case& c) {
  const isa::Machine machine = machine_of(c);
  compiler::LoadOptions load;
  load.structure_only = true;
  if (c.batch > 0) load.batch = c.batch;
  const isa::Program program =
      compiler::compile(compiler::load_model(model_path(c.model), load), machine,
                        {.batches = c.batches, .timing_only = true});
  // Run again however busy this computer is.
  const traces::Explanation why = report::explain(
      program, machine, {.longest_seconds = std::numeric_limits<double>::infinity()});
  sim::Causes causes;
  const auto cycles = static_cast<double>(cycles_on(program, machine, &causes).value);
  Answer answer;
  answer.bound = traces::bound_text(why.bound);
  if (!why.bound.changes.empty()) answer.bound_gain = why.bound.changes.front().gain();
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    const auto resource = static_cast<Resource>(r);
    const isa::Machine changed = sim::relieved(machine, resource);
    if (changed == machine) continue;
    const auto gain = [&](CycleCount after) {
      return 1.0 - static_cast<double>(after.value) / cycles;
    };
    const Answer::Gains gains{
        resource, why.path.share(resource),
        gain(sim::retimed_cycles(causes, sim::retime(causes, machine, changed))),
        gain(cycles_on(program, changed))};
    if (gains.found > answer.best) {
      answer.best = gains.found;
      answer.best_change = resource;
    }
    answer.gains.push_back(gains);
  }
  return answer;
}

std::string name_of(const Case& c) {
  std::string name = c.model;
  if (c.batch > 0) name += fmt::format(", batch {}", c.batch);
  if (c.batches > 1) name += fmt::format(" x {}", c.batches);
  return name;
}

using Answers = std::vector<Answer>;

// check(case, answer) for each.
template <typename Check>
void for_each(const Answers& answers, const Check& check) {
  for (std::size_t i = 0; i < cases().size(); ++i) {
    SCOPED_TRACE(fmt::format("{} on {}", name_of(cases()[i]), cases()[i].machine));
    check(cases()[i], answers[i]);
  }
}

void expect_shares_bound_gains(const Answers& answers) {
  for_each(answers, [](const Case&, const Answer& a) {
    for (const Answer::Gains& g : a.gains) {
      const ResourceKind kind = sim::info(g.resource).kind;
      if (kind == ResourceKind::kCapacity) continue;
      EXPECT_LE(g.found, 0.5 * g.share + 0.01) << sim::info(g.resource).name;
    }
  });
}

void expect_exact_where_nothing_is_shared(const Answers& answers) {
  int exact = 0;
  for_each(answers, [&](const Case& c, const Answer& a) {
    if (c.machine != std::string_view(kPrivate)) return;
    for (const Answer::Gains& g : a.gains) {
      EXPECT_EQ(g.predicted, g.found) << sim::info(g.resource).name;
      ++exact;
    }
  });
  EXPECT_GT(exact, 100);
}

void expect_close_elsewhere(const Answers& answers) {
  int close = 0, all = 0;
  for_each(answers, [&](const Case&, const Answer& a) {
    for (const Answer::Gains& g : a.gains) {
      const double off = std::abs(g.predicted - g.found);
      close += off <= std::max(0.2 * std::abs(g.found), 0.01) ? 1 : 0;
      ++all;
    }
  });
  EXPECT_GE(close, 0.95 * all) << close << " of " << all;
}

void expect_best_found(const Answers& answers) {
  for_each(answers, [](const Case&, const Answer& a) {
    EXPECT_LE(a.best, a.bound_gain + 0.01 + (a.bound_gain == 0.0 ? traces::Bound::kWorth : 0.0))
        << a.bound << "; 2x " << sim::info(a.best_change).name;
  });
}

std::string page(const Answers& answers) {
  std::string text =
      "# What bounds a run: the cases of law 6\n\n"
      "Written by `test_golden` (tests/golden/bounds_test.cc) from new runs; `SYSTOLE_REWRITE=1` "
      "writes it anew. *Best* is the largest gain of any single change, by a new run; *predicted* "
      "is what the recorded run said of it. Gains are shares of the run's time, of twice the rate, "
      "room or pace or half the latency.\n\n"
      "| model | machine | bound | best single change | predicted | found |\n"
      "|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < cases().size(); ++i) {
    const Case& c = cases()[i];
    const Answer& answer = answers[i];
    const bool is_private = c.machine == std::string_view(kPrivate);
    text += fmt::format("| {} | {}{} | {} |", name_of(c), is_private ? "tpu_v1 + " : "", c.machine,
                        answer.bound);
    const auto best = std::ranges::find(answer.gains, answer.best_change, &Answer::Gains::resource);
    text += answer.best < 0.0005
                ? " none | | |\n"
                : fmt::format(" {} | {:.1f} % | {:.1f} % |\n", sim::info(answer.best_change).name,
                              100.0 * best->predicted, 100.0 * best->found);
  }
  return text;
}

// One test, since the answers take seconds.
TEST(Bounds, FollowTheLawAndAreThoseOfTheDocumentation) {
  Answers answers;
  for (const Case& c : cases()) answers.push_back(answer(c));
  expect_shares_bound_gains(answers);
  expect_exact_where_nothing_is_shared(answers);
  expect_close_elsewhere(answers);
  expect_best_found(answers);
  const std::string path = source_path("docs/bounds.md");
  const std::string text = page(answers);
  if (std::getenv("SYSTOLE_REWRITE") != nullptr) write_file(path, text);
  const std::vector<std::uint8_t> bytes = read_file(path);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), text)
      << "run test_golden with SYSTOLE_REWRITE=1";
}

}  // namespace
}  // namespace systole::golden
