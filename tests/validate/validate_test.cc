// `systole validate`: rungs by name, tables and JSON, and the arithmetic of the paper's rung.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using Json = nlohmann::ordered_json;

TEST(Validate, UnknownRungsListTheKnownOnes) {
  const Finished finished = testing_support::systole({"validate", "moon"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, HasSubstr("rung moon: no such rung; expected one of "));
  EXPECT_EQ(testing_support::systole({"validate"}).code, 2);
}

TEST(Validate, RungsThatTakeNoDataSaySo) {
  const Finished finished = testing_support::systole({"validate", "rtl", "--data", "x.csv"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, HasSubstr("--data: rung rtl takes no data"));
}

// Any model with a reference; the paper's own row must come out as the paper's rung has it.
TEST(ValidatePaper, TakesRowsOfAFile) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  write_file(path, std::string("name,model,batch,reference_cycles\n"
                               "MLP1,mlp1,168,162350\nmine,\"mlp:256,512\",100,5000\n"));
  const Finished finished =
      testing_support::systole({"validate", "paper", "--data", path, "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  ASSERT_EQ(json.at("cases").size(), 2U);
  const Json paper = Json::parse(testing_support::systole({"validate", "paper", "--json"}).out);
  EXPECT_EQ(json.at("cases").at(0).at("simulated_cycles"),
            paper.at("cases").at(1).at("simulated_cycles"));
  EXPECT_EQ(json.at("cases").at(1).at("model"), "mlp:256,512");
  EXPECT_TRUE(json.at("cases").at(1).at("row9_cycles").is_null());
  EXPECT_FALSE(json.contains("mean_counter_difference_points"));
  write_file(path, std::string("name,model,batch,reference_cycles\nMLP1,mlp1,0,1\n"));
  EXPECT_THAT(testing_support::systole({"validate", "paper", "--data", path}).err,
              HasSubstr("rows.csv:2: batch is '0'; expected a whole number from 1 to"));
}

// Nothing of the paper is said of rows that are not the paper's.
TEST(ValidatePaper, NamesTheReferencesOfAFile) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  write_file(path,
             std::string("name,model,batch,reference_cycles\nmine,\"mlp:256,512\",100,5000\n"));
  const Finished finished = testing_support::systole({"validate", "paper", "--data", path});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("| reference |"));
  EXPECT_THAT(finished.out, HasSubstr("- references: " + path));
  for (const char* word : {"paper,", "Table 3", "CNN1", "LSTM"}) {
    EXPECT_THAT(finished.out, testing::Not(HasSubstr(word)));
  }
}

// Errors stay numbers, and a wrong file is known before anything is measured.
TEST(Validate, RefusesRowsNobodyMeasured) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  for (const char* value : {"1e308", "1e-300"}) {
    write_file(path, std::string("m,k,n,tflops\n64,64,64,") + value + "\n");
    const Finished finished = testing_support::systole({"validate", "h100", "--data", path});
    EXPECT_EQ(finished.code, 1) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr("rows.csv:2: a kernel in "));
  }
  write_file(path, std::string("m,k,n\n1,2,3\n"));
  const Finished finished = testing_support::systole({"validate", "host", "--data", path});
  EXPECT_THAT(finished.err, HasSubstr("lacks a column"));
  EXPECT_THAT(finished.err, testing::Not(HasSubstr("measuring")));
}

// The mean over a file's rows, and each row; a row of a shared table on which the model was fitted
// says so, any other is unseen.
TEST(ValidateGpu, TakesATableByItsColumns) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  write_file(path, std::string("device,b,m,n,k,latency_ms\nP4,1,512,512,512,0.1\n"
                               "T4,1,512,512,512,0.1\nT4,1,1,1,1,1000\n"));
  const Finished finished = testing_support::systole({"validate", "gpu", "--data", path, "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  ASSERT_EQ(json.at("cases").size(), 3U);
  double sum = 0.0;
  for (const Json& row : json.at("cases")) {
    EXPECT_EQ(row.at("use"), "unseen");
    const double measured = row.at("measured_us"), modelled = row.at("modelled_us");
    EXPECT_DOUBLE_EQ(row.at("error_percent"), 100.0 * (modelled - measured) / measured);
    sum += std::abs(row.at("error_percent").get<double>());
  }
  EXPECT_DOUBLE_EQ(json.at("mean_error_percent"), sum / 3.0);
  EXPECT_EQ(json.at("mean_error_percent"), json.at("unseen_rows_mean_error_percent"));
  EXPECT_EQ(json.at("groups").size(), 3U);  // fp32 products, and two devices
}

// The goals, on the half that was not fitted on.
TEST(ValidateGpu, ReachesItsGoals) {
  const Finished finished = testing_support::systole({"validate", "gpu", "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  EXPECT_EQ(json.at("by_goal").size(), 8U);
  for (const Json& row : json.at("by_goal")) {
    EXPECT_LE(row.at("unseen_error_percent"), row.at("goal_percent")) << row.dump();
    EXPECT_GT(row.at("unseen_rows"), 10) << row.dump();
  }
}

// With models every program agrees; without, the rung cannot be climbed and says why.
TEST(Validate, TheRtlAgreesWhereItWasBuilt) {
  const Finished finished = testing_support::systole({"validate", "rtl", "--json"});
  if (finished.code == 1) {
    EXPECT_THAT(finished.err, HasSubstr("validate rtl: this build has no RTL models; expected"));
    return;
  }
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  EXPECT_EQ(json.at("failed"), 0);
  EXPECT_GT(json.at("passed"), 0);
  for (const Json& row : json.at("cases")) {
    EXPECT_EQ(row.at("equal"), row.at("programs")) << row.dump();
    EXPECT_GT(row.at("writes"), 0) << row.dump();
  }
}

TEST(Validate, WiderTablesBreakTheirHeadings) {
  Validation v;
  v.tables = {{"cases",
               "Some cases",
               {{"name", "the name of the case that was simulated here"},
                {"cycles", "cycles of the first of all layers"},
                {"error", "error %", 1}},
               {{{"name", "a"}, {"cycles", 12}, {"error", -1.25}},
                {{"name", "long"}, {"cycles", 1234567890}, {"error", 0.04}}}}};
  v.notes = {std::string(50, 'n') + " and " + std::string(40, 'm')};
  EXPECT_EQ(validation_text(v),
            "Some cases\n\n"
            "the name   cycles of   error\n"
            "of the     the first   %\n"
            "case that  of all\n"
            "was        layers\n"
            "simulated\n"
            "here\n"
            "a                  12   -1.2\n"
            "long       1234567890    0.0\n\n"
            "- " +
                std::string(50, 'n') + " and\n  " + std::string(40, 'm') + "\n");
}

TEST(Validate, TablesAreAlignedMarkdown) {
  Validation v;
  v.tables = {{"cases",
               "Some cases",
               {{"name", "name"}, {"cycles", "cycles"}, {"error", "error %", 1}},
               {{{"name", "a"}, {"cycles", 12}, {"error", -1.25}},
                {{"name", "long"}, {"cycles", nullptr}, {"error", 0.04}}}}};
  v.tally = {3, 1, {{"no tool", 2}}};
  v.figures = {{"mean_error_percent", 0.645}};
  v.notes = {"a note"};
  EXPECT_EQ(validation_text(v),
            "Some cases\n\n"
            "| name | cycles | error % |\n"
            "|------|--------|---------|\n"
            "| a    |     12 |    -1.2 |\n"
            "| long |      - |     0.0 |\n\n"
            "passed 3, failed 1, skipped 2 (no tool)\n"
            "mean error percent: 0.65\n"
            "- a note\n");
  const Json json = Json::parse(validation_json("rung", v));
  EXPECT_EQ(json.at("passed"), 3);
  EXPECT_EQ(json.at("failed"), 1);
  EXPECT_EQ(json.at("skipped").at("no tool"), 2);
  EXPECT_EQ(json.at("mean_error_percent"), 0.645);
  EXPECT_EQ(json.at("cases").at(1).at("name"), "long");
}

TEST(ValidatePaper, FiguresFollowFromTheirRows) {
  const Finished finished = testing_support::systole({"validate", "paper", "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  double errors = 0, overlap_errors = 0;
  for (const Json& row : json.at("cases")) {
    const auto reference = row.at("reference_cycles").get<double>();
    const auto simulated = row.at("simulated_cycles").get<double>();  // rounded to whole cycles
    const auto percent = row.at("error_percent").get<double>();
    // Half a cycle from rounding, as two batches share an odd number of them, and double's own.
    EXPECT_LE(std::abs(simulated - reference * (1.0 + percent / 100.0)), 0.5 + 1e-6);
    EXPECT_LT(row.at("overlap_cycles"), row.at("simulated_cycles"));
    errors += std::abs(percent);
    overlap_errors += std::abs(row.at("overlap_error_percent").get<double>());
  }
  const auto cases = static_cast<double>(json.at("cases").size());
  EXPECT_EQ(cases, 6);
  ASSERT_EQ(json.at("models").size(), 6U);  // Table 7
  for (std::size_t i = 0; i < 6; ++i) {
    const Json& row = json.at("models").at(i);
    EXPECT_EQ(row.at("simulated"),
              std::abs(json.at("cases").at(i).at("error_percent").get<double>()));
  }
  EXPECT_DOUBLE_EQ(json.at("mean_cycle_error_percent").get<double>(), errors / cases);
  EXPECT_DOUBLE_EQ(json.at("mean_cycle_error_percent_overlap").get<double>(),
                   overlap_errors / cases);
}

// Table 3: rows 1 + 4 + 5 + 6 are all cycles, rows 2 + 3 are row 1; the paper's to its rounding.
TEST(ValidatePaper, RowsPartitionTheCycles) {
  const Json json = Json::parse(testing_support::systole({"validate", "paper", "--json"}).out);
  for (const char* column : {"published", "simulated", "overlap"}) {
    const bool exact = std::string(column) != "published";
    std::map<std::string, std::map<std::string, double>> rows;
    for (const Json& row : json.at("counters"))
      rows[row.at("name")][row.at("row")] = row.at(column);
    for (auto& [name, r] : rows) {
      const double all =
          r.at("array active") + r.at("weight stall") + r.at("weight shift") + r.at("non-matrix");
      EXPECT_NEAR(all, 100.0, exact ? 1e-9 : 0.15) << name << " " << column;
      EXPECT_NEAR(r.at("- useful MACs") + r.at("- unused MACs"), r.at("array active"),
                  exact ? 1e-9 : 0.15)
          << name << " " << column;
    }
  }
}

// Rows of a file; the formula is the larger of two divisions, the machine is never faster.
TEST(ValidateTpu, ComparesProductsOfAFile) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  write_file(path, std::string("m,k,n,latency_ns\n1,1024,1024,3000\n512,512,512,4000\n"));
  for (const char* rung : {"v6e", "v3"}) {
    const Finished finished =
        testing_support::systole({"validate", rung, "--data", path, "--json"});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const Json json = Json::parse(finished.out);
    ASSERT_EQ(json.at("cases").size(), 2U);
    EXPECT_EQ(json.at("groups").size(), 2U);
    for (const Json& row : json.at("cases"))
      EXPECT_GE(row.at("machine_us").get<double>(), row.at("formula_us").get<double>());
    EXPECT_TRUE(json.contains("mean_error_percent"));
    EXPECT_TRUE(json.contains("formula_mean_error_percent"));
  }
  const Json v6e =
      Json::parse(testing_support::systole({"validate", "v6e", "--data", path, "--json"}).out);
  // 2 bytes of 1024 + 1024 x 1024 + 1024 numbers at 1638 GB/s.
  EXPECT_NEAR(v6e.at("cases").at(0).at("formula_us").get<double>(), 2.0 * 1'050'624 / 1638e3, 1e-9);
  write_file(path, std::string("m,k,n,latency_ns\n1,0,1024,3000\n"));
  EXPECT_EQ(testing_support::systole({"validate", "v6e", "--data", path}).code, 1);
}

// Each kind of table, by its heading; rows that the machine was fitted on are told apart.
TEST(ValidateTpu, TakesBlocksAndFusedAttention) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("rows.csv");
  write_file(path, std::string("# a remark\nop,d0,d1,d2,d3,d4,latency_ns\n"
                               "ffn_erf,64,256,512,,,6000\nffn_gated,64,256,512,,,6000\n"
                               "attn_enc,12,64,64,,,2896\nattn_dec,4,2,1,256,128,5000\n"));
  const auto run = [&] {
    return testing_support::systole({"validate", "v6e", "--data", path, "--json"});
  };
  const Finished blocks = run();
  ASSERT_EQ(blocks.code, 0) << blocks.err;
  const Json json = Json::parse(blocks.out);
  ASSERT_EQ(json.at("cases").size(), 4U);
  for (const Json& row : json.at("cases")) {
    EXPECT_GE(row.at("machine_us").get<double>(), row.at("formula_us").get<double>());
    EXPECT_EQ(row.at("fitted"), "no");
  }
  EXPECT_EQ(json.at("seen").size(), 4U);
  write_file(path, std::string("mode,batch,heads,seq,head_dim,device_us\n"
                               "prefill,1,1,256,128,2.0436\ndecode,1,4,256,128,3.3477\n"));
  EXPECT_EQ(Json::parse(run().out).at("cases").size(), 2U);
  write_file(path, std::string("op,d0,d1,d2,d3,d4,latency_ns\nconv,1,2,3,,,5\n"));
  EXPECT_EQ(run().code, 1);
  write_file(path, std::string("op,d0,d1,latency_ns\nffn_erf,1,2,5\n"));
  EXPECT_EQ(run().code, 1);
}

}  // namespace
}  // namespace systole::validate
