// Names are data: a model, a machine, its layers, its tensors and the files are all called so that
// they would act wherever they are shown: on a terminal, in a spreadsheet, on a page, in a plot.
// Every command that shows names is run on them.
#include <gmock/gmock-matchers.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::Finished;
using testing_support::ScratchFolder;
using testing_support::text_of;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

// A formula, markup, a title of the terminal, another direction of writing, a C1 control, a byte
// that is no UTF-8, a line's end, separators and quotes.
const std::string kName =
    "=cmd()|<script>\x1b]0;owned\x07\u202e\u009b"
    "\xff\n,\"`' _";

// What does nothing on a terminal, byte by byte: neither controls of ASCII, line ends and tabs
// aside, nor C1 (C2 80 to C2 9F), nor marks of direction (E2 80 8E, 8F and AA to AE, E2 81 A6 to
// A9); and it is UTF-8.
void expect_harmless(const std::string& text, const std::string& of) {
  SCOPED_TRACE(of);
  EXPECT_NO_THROW(static_cast<void>(Json(text).dump())) << "no UTF-8";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](std::size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0;
    };
    const bool control = (byte(0) < 0x20 && byte(0) != '\n' && byte(0) != '\t') || byte(0) == 0x7F;
    const bool c1 = byte(0) == 0xC2 && byte(1) < 0xA0;
    const bool mark =
        byte(0) == 0xE2 &&
        ((byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >> 1U) >= 0x55)) ||
         (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9));
    if (!control && !c1 && !(mark && byte(2) <= 0xAE)) continue;
    ADD_FAILURE() << "at " << i << ": " << testing::PrintToString(text.substr(i, 40));
    return;
  }
}

// The cells of each line, as RFC 4180 has them.
std::vector<Words> csv_rows(const std::string& text) {
  std::vector<Words> rows;
  Words row(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) {
      row.emplace_back();
    } else if (c == '\n' && !quoted) {
      rows.push_back(std::move(row));
      row = Words(1);
    } else {
      row.back() += c;
    }
  }
  EXPECT_FALSE(quoted);
  return rows;
}

// Rows of one length, no formulas.
void expect_table(const std::string& path) {
  const std::vector<Words> rows = csv_rows(text_of(path));
  ASSERT_GT(rows.size(), 1U) << path;
  for (const Words& row : rows) {
    EXPECT_EQ(row.size(), rows.front().size()) << path << ": " << testing::PrintToString(row);
    for (const std::string& cell : row) EXPECT_FALSE(cell.starts_with("=")) << path << ": " << cell;
  }
}

std::ptrdiff_t bars(const std::string& line) {
  std::ptrdiff_t count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '|' && (i == 0 || line[i - 1] != '\\')) ++count;
  }
  return count;
}

// "Softmax(Relu(x w))" in float32, every name of it ours.
std::string model_bytes() {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.set_producer_name(kName);
  model.add_opset_import()->set_version(13);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name(kName);
  const auto describe = [](onnx::ValueInfoProto& value, const std::string& name, int width) {
    value.set_name(name);
    onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_value(2);
    type.mutable_shape()->add_dim()->set_dim_value(width);
  };
  describe(*graph.add_input(), kName + "x", 16);
  describe(*graph.add_output(), kName + "y", 8);
  onnx::TensorProto& weights = *graph.add_initializer();
  weights.set_name(kName + "w");
  weights.set_data_type(onnx::TensorProto::FLOAT);
  weights.add_dims(16);
  weights.add_dims(8);
  for (int i = 0; i < 16 * 8; ++i) weights.add_float_data(static_cast<float>(i % 7) - 3.0F);
  const auto add_node = [&](const char* op, const Words& inputs, const std::string& output) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    node.set_name(kName + op);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
  };
  add_node("MatMul", {kName + "x", kName + "w"}, kName + "1");
  add_node("Relu", {kName + "1"}, kName + "2");
  add_node("Softmax", {kName + "2"}, kName + "y");
  return model.SerializeAsString();
}

class Names : public testing::Test {
 protected:
  Names() {
    write_file(model_, model_bytes());
    write_file(machine_,
               "base = \"scale_sim_ws\"\n"
               "name = \"=cmd()|<script>\\u001B]0;owned\\u0007\\u202E\\u009B\\u000A,\\\"`'\"\n"
               "text = \"=cmd()|<script>\\u001B]0;owned\\u0007\\u202E\\u009B\\u000A,\\\"`'\"\n"
               "[array]\nrows = 8\ncolumns = 8\n");
  }

  [[nodiscard]] std::string file(const std::string& ending) const {
    return folder_.file(kName + ending);
  }
  // Runs to its end, and shows nothing that acts.
  static Finished harmless(const Finished& finished, int code, const std::string& what) {
    EXPECT_EQ(finished.code, code) << what << ": " << finished.err;
    expect_harmless(finished.out, what + ", standard output");
    expect_harmless(finished.err, what + ", standard error");
    return finished;
  }
  static Finished done(const Words& words, int code = 0) {
    return harmless(testing_support::systole(words), code, words.front());
  }
  // Every text file written so far, and the names of files in folders that a command filled.
  void expect_harmless_files() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.file("."))) {
      const std::string ending = entry.path().extension().string();
      for (const char* text : {".json", ".csv", ".md", ".svg", ".asm"}) {
        if (ending == text) expect_harmless(text_of(entry.path().string()), "a file " + ending);
      }
      if (ending == ".npy") expect_harmless(entry.path().filename().string(), "an output's name");
      const bool json = ending != ".json" || Json::accept(text_of(entry.path().string()));
      EXPECT_TRUE(json) << entry.path().filename();
    }
  }

  ScratchFolder folder_;
  std::string model_ = file(".onnx"), machine_ = file(".toml");
};

TEST_F(Names, DoNothingInWhatRunShowsAndWrites) {
  const Finished shown = done({"run", model_, "--calibrate", "random", "--machine", machine_,
                               "--layers", "--stats", file(".json"), "--trace", file(".csv"),
                               "--output", file("outputs"), "--scalesim-reports", file("reports")});
  EXPECT_THAT(shown.out, HasSubstr("=cmd()|<script> ]0;owned ??? ,\"`' _"));
  const Json stats = Json::parse(text_of(file(".json")));
  EXPECT_THAT(stats.at("layers").dump(), HasSubstr(R"(=cmd()|<script>\u001b]0;owned\u0007)"));
  EXPECT_TRUE(fs::exists(file("outputs") + "/=cmd()|<script>_]0;owned_____,\"`' _y.npy"));
  expect_table(file(".csv"));
  for (const char* name : {"COMPUTE_REPORT", "BANDWIDTH_REPORT", "DETAILED_ACCESS_REPORT"}) {
    expect_table(file("reports") + "/" + name + ".csv");
  }
  const std::string trace = folder_.file("trace.json");
  done({"run", model_, "--calibrate", "random", "--machine", machine_, "--trace", trace, "--json"});
  EXPECT_THAT(Json::parse(text_of(trace)).at("otherData").at("model").get<std::string>(),
              HasSubstr("<script>\x1b]0;owned\x07\u202e\u009b\ufffd\n"));
  expect_harmless_files();
}

// What quotes cannot hold is escaped, so that it still names the same file.
TEST_F(Names, StandInTheNextCommandAsTheyAre) {
  const std::string quoted = folder_.file("it's  a $'model' \\.onnx");
  fs::copy_file(model_, quoted);
  for (const std::string& model : {model_, quoted}) {
    const Finished shown = done({"run", model, "--calibrate", "random"});
    const std::size_t at = shown.out.find("Next: ") + 6;
    const std::string next = shown.out.substr(at, shown.out.find("      then open") - at);
    write_file(folder_.file("next.sh"), next);
    const Finished again = testing_support::shell("bash next.sh && rm run.json", folder_.file("."));
    EXPECT_EQ(again.code, 0) << next << again.err;
  }
}

TEST_F(Names, DoNothingInProgramsAndComeBack) {
  const std::string program = file(".tpu"), text = file(".asm");
  const Finished shown = done({"compile", model_, "--calibrate", "random", "--machine", machine_,
                               "--explain", "--emit-ir", "--emit-asm", text, "-o", program});
  EXPECT_THAT(shown.out, HasSubstr("<script> ]0;owned ??? ,\"`' _.tpu: "));
  EXPECT_EQ(done({"disasm", program}).out, text_of(text));
  EXPECT_THAT(text_of(text), HasSubstr(R"(.model "=cmd()|<script>\u001B]0;owned\u0007\u202E\u009B)"
                                       R"(\xFF\u000A,\"`' _")"));
  const std::string again = file("2.tpu");
  done({"asm", text, "-o", again});
  EXPECT_EQ(text_of(again), text_of(program));
  done({"check", program});
  done({"check", program, "--machine", "tiny_8", "--set", "unified_buffer.bytes=64"}, 1);
  done({"run", program, "--layers"});
  expect_harmless_files();
}

TEST_F(Names, DoNothingInListsAndOfNewModels) {
  const std::string share = folder_.file("share/systole/");  // as if it were installed there
  fs::create_directories(share + "machines");
  fs::create_directories(share + "models");
  fs::copy_file(model_, share + "models/" + kName + ".onnx");
  write_file(share + "models/" + kName + "2.onnx", std::string("no model"));
  const Finished models = testing_support::shell(
      "mkdir bin; cp \"$(command -v systole)\" bin; bin/systole models", folder_.file("."));
  EXPECT_THAT(harmless(models, 0, "models").out,
              AllOf(HasSubstr("=cmd()|<script> ]0;owned ??? ,\"`' _x float32 [2, 16] -> "),
                    HasSubstr("_2\n    not accepted: ")));
  EXPECT_THAT(done({"machines", machine_}).out, HasSubstr("=cmd()|<script> ]0;owned"));
  const Json machine = Json::parse(done({"machines", machine_, "--json"}).out);
  EXPECT_EQ(machine.at("text"), "=cmd()|<script> ]0;owned ?? ,\"`'");
  done({"ops", "--machine", machine_});
  done({"quantize", model_, "--calibrate", kName + "x=random", "-o", file("8.onnx")});
  done({"models", "make", "mobilenet_v2", "-o", file("v2.onnx")});
  done({"run", model_, "--calibrate", "random", "--shape", kName + "x=2x16"});
}

TEST_F(Names, DoNothingInReports) {
  const std::string report = folder_.file("report");
  const Words compare = {
      "compare",     model_,  "--calibrate",   "random",    "--machine",
      machine_,      "--set", "array.rows=16", "--targets", "tpu:,gpu:h100,cpu:host",
      "--precision", "int8",  "--seconds",     "0.01"};
  const auto with = [](Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  done(with(compare, {"--report", report, "-o", file(".json")}));
  EXPECT_TRUE(Json::accept(done(with(compare, {"--json"})).out));
  expect_table(report + "/comparison.csv");
  if (testing_support::shell("command -v gnuplot", folder_.file(".")).code == 0) {
    EXPECT_THAT(text_of(report + "/roofline.svg"), HasSubstr("=cmd()|&lt;script"));
  }
  const std::string page = text_of(report + "/comparison.md");
  const std::string text = page.substr(0, page.find("\nCommand: "));  // the rest is code
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_THAT(text, HasSubstr("# =cmd()\\|&lt;script&gt; \\]0;owned"));
  const std::string table = text.substr(text.find("| scenario"));
  for (std::size_t at = 0; table[at] == '|'; at = table.find('\n', at) + 1) {
    EXPECT_EQ(bars(table.substr(at, table.find('\n', at) - at)), 15);
  }
  expect_harmless_files();
}

TEST_F(Names, DoNothingInTablesOfTheLadder) {
  write_file(folder_.file("<script>.csv"),
             "name,model,batch,reference_cycles\n"
             "\"=cmd()|<script>\x1b]0;owned\x07,\u202e\u009b\xff`\",\"gemm:8,8,8\",1,400\n");
  const Words validate = {"validate", "paper", "--data", folder_.file("<script>.csv")};
  const std::string text = done(validate).out;
  EXPECT_THAT(text, HasSubstr("\n=cmd()\\|&lt;script&gt; \\]0;owned ,???\\`      1  "));
  EXPECT_THAT(text, Not(HasSubstr("<")));
}

TEST_F(Names, DoNothingInMeasurements) {
  const Words measure = {"measure", "cpu", model_, "--seconds", "0.01", "--threads", "1"};
  Words both = measure;
  for (const std::string& more :
       {std::string("-o"), file(".json"), std::string("--trace"), file(".csv")}) {
    both.push_back(more);
  }
  done(both);
  expect_table(file(".csv"));
  Words json = measure;
  json.emplace_back("--json");
  EXPECT_TRUE(Json::accept(done(json).out));
  expect_harmless_files();
}

TEST_F(Names, DoNothingInErrorsAndAreCutThere) {
  const std::string endless(100'000, 'x');
  for (const std::string& name : {kName, endless}) {
    for (const Words& wrong :
         {Words{name}, Words{"--" + name}, Words{"run"}, Words{"run", "--" + name},
          Words{"run", "gemm:1,1,1", name}, Words{"models", name}}) {
      EXPECT_LT(done(wrong, 2).err.size(), 2'500U);
    }
    for (const Words& wrong :
         {Words{"run", name}, Words{"run", "gemm:1,1,1", "--machine", name},
          Words{"run", "gemm:1,1,1", "--batch", name}, Words{"run", "gemm:1,1,1", "--engine", name},
          Words{"run", "gemm:1,1,1", "--batch=1" + name}, Words{"run", "gemm:1,1,1", "--set", name},
          Words{"run", "gemm:1,1,1", "--input", name}, Words{"run", "gemm:1,1,1", "--trace", name},
          Words{"validate", name}, Words{"disasm", name},
          Words{"quantize", model_, "--calibrate", name, "-o", "/dev/null"},
          Words{"compare", "gemm:1,1,1", "--targets", name}}) {
      EXPECT_LT(done(wrong, 1).err.size(), 2'500U);
    }
  }
}

}  // namespace
}  // namespace systole::cli
