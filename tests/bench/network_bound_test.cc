// The bounds of whole networks against sums made by hand, against a step-by-step array, and against
// what is simulated: a bound that a run goes below is none.
#include "bench/network_bound.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"

namespace systole::bench {
namespace {

NetworkLayer product(std::int64_t rows, std::int64_t inner, std::int64_t outer,
                     std::int64_t groups = 1) {
  NetworkLayer layer;
  layer.rows = rows;
  layer.inner = inner;
  layer.outer = outer;
  layer.groups = groups;
  return layer;
}

// 4 x 2 array, 10 bytes a cycle of memory without refresh, 5 bytes a cycle of link, buffer rows
// of 4.
isa::Machine small_machine() {
  isa::Machine machine;
  machine.array_rows = 4;
  machine.array_columns = 2;
  machine.dram_kind = isa::DramKind::kSimple;
  machine.dram_bytes_per_second = 2 * machine.clock_hertz;
  machine.dram_latency = 30;
  machine.unified_buffer_row_bytes = 4;
  machine.unified_buffer_read_ports = 1;
  machine.unified_buffer_write_ports = 2;
  machine.link_in_bytes_per_second = machine.link_out_bytes_per_second = 5 * machine.clock_hertz;
  return machine;
}

std::int64_t of(const Loads& loads, Load load) { return loads[static_cast<std::size_t>(load)]; }

TEST(NetworkBound, SumsEachResource) {
  Network network;
  network.layers = {product(10, 8, 6), product(10, 6, 3), {}};
  network.layers.back().read_bytes = 200;
  network.layers.back().written_bytes = 100;
  network.input_bytes = 80;
  network.output_bytes = 30;
  const Loads loads = loads_of(network, small_machine());
  // Two rows side by side make 12 rows of 3 into 5 x (3 slices, 3 columns).
  EXPECT_EQ(of(loads, Load::kArray), 10 * 2 * 3 + std::min(10 * 2 * 2, 5 * 3 * 3));
  EXPECT_EQ(of(loads, Load::kWeights), (2 * 3 + 2 * 2) * 8 / 2);
  EXPECT_EQ(of(loads, Load::kShift), (2 * 3 + 2 * 2) * 4);
  EXPECT_EQ(of(loads, Load::kActivation), 10 * 3 + 5 * 3);
  EXPECT_EQ(of(loads, Load::kReadPorts), 200 / 4 + 8);
  EXPECT_EQ(of(loads, Load::kWritePorts), 15 / 2 + 1 + 8 / 2 + 25 / 2 + 1 + 20 / 2);
  EXPECT_EQ(of(loads, Load::kLinkIn), 80 / 5);
  EXPECT_EQ(of(loads, Load::kLinkOut), 30 / 5);
  EXPECT_EQ(period_bound(network, small_machine()), 10 * 2 * 3 + 10 * 2 * 2);
  EXPECT_EQ(plain_floor(network, small_machine()), 10 * (8 * 6 + 6 * 3) / 8 + 1);
}

// Each of 6 channels by itself: 54 inputs in 14 slices, 6 outputs in 3 columns.
TEST(NetworkBound, GroupsShareTiles) {
  EXPECT_EQ(of(loads_of(product(7, 9, 1, 6), small_machine()), Load::kShift), 14 * 4);
}

// The array cycle by cycle: a fetch at a time into the first free of `depth` places, a tile whole
// for `shift` cycles before its first row, a row a cycle.
std::int64_t stepped(const std::vector<std::int64_t>& rows, std::int64_t fetch, std::int64_t depth,
                     std::int64_t shift) {
  std::vector<std::int64_t> whole;     // by tile fetched
  std::int64_t started = 0, left = 0;  // tiles in use so far; rows of the latest
  std::int64_t fetching = 0;           // cycles to go
  const std::int64_t tiles = std::ssize(rows);
  for (std::int64_t now = 0;; ++now) {
    if (fetching > 0 && --fetching == 0) whole.push_back(now);
    if (left > 0) --left;
    const bool ready =
        started < std::ssize(whole) && now >= whole[static_cast<std::size_t>(started)] + shift;
    if (left == 0 && started == tiles) return now;
    if (left == 0 && ready) left = rows[static_cast<std::size_t>(started++)];
    const std::int64_t asked = std::ssize(whole);
    if (fetching == 0 && asked < tiles && asked - depth < started) fetching = fetch;
  }
}

TEST(NetworkBound, TheRecurrenceIsTheArrayStepByStep) {
  std::mt19937_64 random(7);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (int i = 0; i < 500; ++i) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(pick(1, 12)));
    for (std::int64_t& r : rows) r = pick(1, 30);
    const std::int64_t fetch = pick(1, 25), depth = pick(1, 5), shift = pick(1, 8);
    ASSERT_EQ(last_row(rows, fetch, depth, shift), stepped(rows, fetch, depth, shift)) << i;
  }
}

// Random chains of products, simulated.
TEST(NetworkBound, NoRunIsBelowIt) {
  std::mt19937_64 random(11);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (const char* name : {"tpu_v1", "edge_64", "tiny_8"}) {
    const isa::Machine machine = isa::load_machine(name);
    for (int i = 0; i < 12; ++i) {
      std::vector<std::int64_t> widths;
      for (std::int64_t w = pick(2, 5); w > 0; --w) widths.push_back(pick(1, 700));
      const std::int64_t batch = pick(1, 200);
      Network network;
      for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        network.layers.push_back(product(batch, widths[l], widths[l + 1]));
      }
      network.input_bytes = batch * widths.front();
      network.output_bytes = batch * widths.back();
      compiler::LoadOptions load;
      load.batch = batch;
      const std::string model = fmt::format("mlp:{}", fmt::join(widths, ","));
      const isa::Program program =
          compiler::compile(compiler::load_model(model, load), machine, {.timing_only = true});
      sim::RunOptions run;
      run.timing_only = true;
      const std::int64_t found = sim::run(program, machine, {}, run).report.total.cycles.value;
      EXPECT_GE(found, latency_bound(network, machine)) << name << " " << model << " " << batch;
    }
  }
}

}  // namespace
}  // namespace systole::bench
