// Differences of real runs: every table adds up to the difference of the runs, and what is read
// back from statistics is what was written.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/diag.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "report/diff_text.h"
#include "report/profile.h"
#include "report/stats.h"
#include "report/timed.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using traces::PartChange;
using traces::Profile;

Record record_of(const std::string& model, const std::string& machine) {
  compiler::LoadOptions load;
  load.batch = 8;
  load.structure_only = true;
  const isa::Machine on = isa::load_machine(machine);
  const isa::Program program =
      compiler::compile(compiler::load_model(model, load), on, {.batches = 2, .timing_only = true});
  return timed_record(program, on, {.what_if = false});
}

struct Pair {
  const char *model, *a, *b;
};
constexpr Pair kPairs[] = {
    {"gemm:64,96,80", "tpu_v1", "tpu_v1 + dram.bytes_per_second=2x"},
    {"gemm:64,96,80", "tpu_v1", "edge_64"},
    {"mlp:300,200,100,10", "tpu_v1", "tpu_v1_prime"},
    {"mlp:300,200,100,10", "edge_64", "tiny_8"},
    {"conv:8,16,14,14,32,3,3,1,1", "tpu_v1 + clock.hertz=1GHz", "tpu_v1"},
    {"vadd:4096", "scale_sim_ws", "tpu_v1"},
};

std::int64_t sum(const std::vector<PartChange>& parts) {
  std::int64_t sum = 0;
  for (const PartChange& part : parts) sum += part.change();
  return sum;
}

TEST(Diff, EveryTableAddsUpToTheDifference) {
  for (const Pair& pair : kPairs) {
    const Profile a = profile_of(record_of(pair.model, pair.a));
    const Profile b = profile_of(record_of(pair.model, pair.b));
    const traces::Diff d = traces::diff(a, b);
    EXPECT_NE(a.cycles, 0);
    const std::string where = std::string(pair.model) + " on " + pair.a + " and " + pair.b;
    for (const auto* table : {&d.layers, &d.path, &d.matrix}) {
      EXPECT_EQ(sum(*table), b.cycles - a.cycles) << where;
    }
    for (const PartChange& layer : d.layers) {
      std::int64_t resources = 0;
      for (const traces::Part& part : layer.by_resource) resources += part.amount;
      EXPECT_EQ(resources, layer.change()) << where << ", " << layer.name;
    }
    const Json json = diff_json({a, b, d});
    EXPECT_EQ(json["change_cycles"], b.cycles - a.cycles);
    EXPECT_EQ(json["parameters"].size(), d.parameters.size());
    std::int64_t changes = 0;
    for (const Json& row : json["layers"]) changes += row["change"].get<std::int64_t>();
    EXPECT_EQ(changes, b.cycles - a.cycles) << where;
    for (const bool all : {false, true}) {
      std::istringstream lines(diff_text({a, b, d}, all));
      for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
    }
  }
}

void expect_equal(const Profile& read, const Profile& written) {
  EXPECT_EQ(read.model, written.model);
  EXPECT_EQ(read.machine, written.machine);
  EXPECT_EQ(read.parameters, written.parameters);
  EXPECT_EQ(read.clock_hertz, written.clock_hertz);
  EXPECT_EQ(read.cycles, written.cycles);
  EXPECT_EQ(read.seconds, written.seconds);
  EXPECT_EQ(read.total_seconds, written.total_seconds);
  EXPECT_EQ(read.instructions, written.instructions);
  EXPECT_EQ(read.program_hash, written.program_hash);
  const traces::Diff d = traces::diff(read, written);
  for (const auto* table : {&d.layers, &d.path, &d.matrix, &d.bytes}) {
    EXPECT_FALSE(table->empty());
    for (const PartChange& part : *table) {
      EXPECT_EQ(part.change(), 0) << part.name;
      EXPECT_TRUE(part.by_resource.empty()) << part.name;
    }
  }
}

TEST(Profile, IsReadAsItWasWritten) {
  for (const char* machine : {"tpu_v1", "edge_64"}) {
    const Record record = record_of("mlp:300,200,10", machine);
    const Json stats = Json::parse(stats_json(record));
    expect_equal(profile_from_stats(stats, "s.json"), profile_of(record));
  }
}

// Each key by itself: left out, and of another type.
TEST(Profile, NamesTheKeyThatIsWrong) {
  const Json stats = Json::parse(stats_json(record_of("gemm:64,64,64", "tpu_v1")));
  for (const char* key : {"model", "cycles", "seconds", "total_seconds", "instructions",
                          "program_hash", "path", "bytes", "layers", "counters", "machine"}) {
    Json without = stats, null = stats;
    without.erase(key);
    null[key] = nullptr;
    for (const Json& wrong : {without, null}) {
      try {
        static_cast<void>(profile_from_stats(wrong, "s.json"));
        FAIL() << key;
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), testing::StartsWith("s.json: '"));
      }
    }
  }
  Json clock = stats;
  clock["machine"]["parameters"]["clock.hertz"] = "0";
  EXPECT_THROW(static_cast<void>(profile_from_stats(clock, "s.json")), InputError);
  EXPECT_THROW(static_cast<void>(profile_from_stats(Json::array(), "s.json")), InputError);
}

TEST(Diff, TellsTheRunsApartInALine) {
  const Profile a = profile_of(record_of("gemm:64,96,80", "tpu_v1"));
  const Profile b = profile_of(record_of("gemm:64,96,80", "tpu_v1 + link.in_bytes_per_second=4x"));
  const traces::Diff d = traces::diff(a, b);
  const std::string line = diff_line({a, b, d});
  EXPECT_THAT(line, testing::HasSubstr(" cycles (-"));
  EXPECT_THAT(line, testing::HasSubstr("; path: link in -"));
  EXPECT_THAT(line, testing::HasSubstr("; matrix unit: "));
}

}  // namespace
}  // namespace systole::report
