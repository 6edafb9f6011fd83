// Repository rules, held against every file, and against bad snippets to show that they can fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/source.h"
#include "tests/repo/rules.h"

namespace systole::repo {
namespace {

namespace fs = std::filesystem;

const fs::path& root() {
  static const fs::path kRoot = source_path();
  return kRoot;
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Paths below a folder, relative to the root, in order. Folders that are not ours are left out.
std::vector<std::string> files_below(const fs::path& folder,
                                     const std::function<bool(const fs::path&)>& wanted) {
  static const std::vector<std::string> kForeign = {".git", "build", "out", "node_modules",
                                                    "__pycache__"};
  std::vector<std::string> files;
  if (!fs::exists(folder)) return files;
  for (fs::recursive_directory_iterator it(folder), end; it != end; ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && std::find(kForeign.begin(), kForeign.end(), name) != kForeign.end()) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file() && wanted(it->path())) {
      files.push_back(fs::relative(it->path(), root()).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_cpp(const fs::path& file) {
  static const std::vector<std::string> kEndings = {".h", ".cc", ".cuh", ".cu"};
  return std::find(kEndings.begin(), kEndings.end(), file.extension()) != kEndings.end();
}

std::vector<std::string> cpp_files() {
  std::vector<std::string> files;
  for (const char* folder : {"base", "isa", "sim", "rtl", "compiler", "traces", "formats", "report",
                             "compare", "validate", "cli", "tests", "bench"}) {
    const std::vector<std::string> found = files_below(root() / folder, is_cpp);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::vector<std::string> probe_tables() {
  std::vector<std::string> tables = quoted_includes(read_text(root() / "sim/kernel/probe.h"));
  std::erase_if(tables, [](const std::string& name) { return !name.ends_with(".def"); });
  return tables;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += finding.file + ":" + std::to_string(finding.line) + ": " + finding.what + "\n";
  }
  return text;
}

// The rule a single include breaks; empty if none.
std::string verdict(const std::string& path, const std::string& include) {
  return text_of(check_includes(path, "#include " + include + "\n", {"sim/kernel/events.def"}));
}

TEST(Repository, IncludesFollowTheRule) {
  const std::vector<std::string> files = cpp_files();
  ASSERT_FALSE(files.empty());
  const std::vector<std::string> tables = probe_tables();
  for (const std::string& file : files) {
    EXPECT_EQ(text_of(check_includes(file, read_text(root() / file), tables)), "");
  }
}

TEST(Repository, SourcesAreInShape) {
  for (const std::string& file : cpp_files()) {
    EXPECT_EQ(text_of(check_source(file, read_text(root() / file))), "");
  }
}

// What an operation costs is said by the machine, never by which operation or chip it is.
TEST(Repository, CostsKnowNoOperationByName) {
  for (const char* folder : {"isa", "sim", "compiler/lower"}) {
    for (const std::string& file : files_below(root() / folder, is_cpp)) {
      const bool prices = !file.starts_with("compiler") || file.find("predict") != file.npos;
      if (!prices) continue;
      const std::string text = read_text(root() / file);
      for (const char* name : {"gemm", "ffn", "attn", "sdpa", "v6e"}) {
        EXPECT_EQ(text.find(name), text.npos) << file << " names " << name;
      }
    }
  }
}

TEST(Repository, NoFileNamesOnePersonsMachine) {
  const auto any = [](const fs::path&) { return true; };
  for (const std::string& file : files_below(root(), any)) {
    const std::string text = read_text(root() / file);
    if (text.find('\0') != std::string::npos) continue;  // not a text file
    EXPECT_EQ(text_of(check_paths(file, text)), "");
  }
}

TEST(IncludeRule, AcceptsWhatTheLayoutAllows) {
  EXPECT_EQ(verdict("base/diag.cc", "\"base/diag.h\""), "");
  EXPECT_EQ(verdict("isa/codec.cc", "\"base/diag.h\""), "");
  EXPECT_EQ(verdict("sim/unit/matrix.cc", "\"sim/kernel/time.h\""), "");
  EXPECT_EQ(verdict("compiler/lower/tile.cc", "\"isa/program.h\""), "");
  EXPECT_EQ(verdict("compiler/lower/tile.cc", "\"compiler/passes/clamp.h\""), "");
  EXPECT_EQ(verdict("compiler/compile.cc", "\"compiler/lower/lower.h\""), "");
  EXPECT_EQ(verdict("formats/npy.cc", "\"isa/program.h\""), "");
  EXPECT_EQ(verdict("validate/paper.cc", "\"compare/model/fit.h\""), "");
  EXPECT_EQ(verdict("traces/vcd.cc", "\"sim/kernel/probe.h\""), "");
  EXPECT_EQ(verdict("traces/explain/bound.cc", "\"sim/kernel/causes.h\""), "");
  EXPECT_EQ(verdict("traces/vcd.cc", "\"sim/kernel/events.def\""), "");
  EXPECT_EQ(verdict("compare/comparison/report.cc", "\"compiler/compile.h\""), "");
  EXPECT_EQ(verdict("cli/main.cc", "\"compare/report.h\""), "");
  EXPECT_EQ(verdict("rtl/cosim.cc", "\"sim/run.h\""), "");
  EXPECT_EQ(verdict("tests/cli/run_test.cc", "\"tests/support/process.h\""), "");
  EXPECT_EQ(verdict("compiler/frontend/onnx.cc", "<onnx/onnx_pb.h>"), "");
}

TEST(IncludeRule, RefusesWhatItForbids) {
  EXPECT_NE(verdict("base/diag.cc", "\"isa/insn.h\""), "");
  EXPECT_NE(verdict("isa/codec.cc", "\"sim/run.h\""), "");
  EXPECT_NE(verdict("sim/run.cc", "\"compiler/compile.h\""), "");
  EXPECT_NE(verdict("sim/run.cc", "\"rtl/cosim.h\""), "");
  EXPECT_NE(verdict("rtl/cosim.cc", "\"compiler/compile.h\""), "");
  EXPECT_NE(verdict("compiler/compile.cc", "\"sim/run.h\""), "");
  EXPECT_NE(verdict("traces/vcd.cc", "\"sim/run.h\""), "");
  EXPECT_NE(verdict("traces/vcd.cc", "\"sim/kernel/time.h\""), "");
  EXPECT_NE(verdict("traces/vcd.cc", "\"sim/kernel/other.def\""), "");
  EXPECT_NE(verdict("formats/npy.cc", "\"compiler/compile.h\""), "");
  EXPECT_NE(verdict("report/record.cc", "\"compare/targets/targets.h\""), "");
  EXPECT_NE(verdict("compare/comparison/report.cc", "\"validate/validation.h\""), "");
  EXPECT_NE(verdict("validate/paper.cc", "\"cli/commands.h\""), "");
  EXPECT_NE(verdict("compare/comparison/report.cc", "\"cli/main.h\""), "");
  EXPECT_NE(verdict("cli/main.cc", "\"tests/support/process.h\""), "");
  EXPECT_NE(verdict("sim/run.cc", "\"bench/common.h\""), "");
}

TEST(IncludeRule, KeepsTheTwoAnswersOfSimApart) {
  EXPECT_NE(verdict("sim/func/oracle.cc", "\"sim/unit/matrix.h\""), "");
  EXPECT_NE(verdict("sim/unit/matrix.cc", "\"sim/func/oracle.h\""), "");
  EXPECT_NE(verdict("sim/unit/matrix.cc", "\"sim/chip.h\""), "");
  EXPECT_NE(verdict("sim/kernel/time.h", "\"sim/func/oracle.h\""), "");
  EXPECT_NE(verdict("sim/kernel/time.h", "\"sim/unit/matrix.h\""), "");
  EXPECT_EQ(verdict("sim/run.cc", "\"sim/func/oracle.h\""), "");
}

TEST(IncludeRule, KeepsTheOrderInsideTheCompiler) {
  EXPECT_NE(verdict("compiler/ir/graph.h", "\"compiler/passes/clamp.h\""), "");
  EXPECT_NE(verdict("compiler/passes/clamp.h", "\"compiler/lower/product.h\""), "");
  EXPECT_NE(verdict("compiler/frontend/inline.cc", "\"compiler/zoo/networks.h\""), "");
  EXPECT_NE(verdict("compiler/lower/lower.h", "\"compiler/compile.h\""), "");
}

TEST(IncludeRule, KeepsTheLowerBoundFromWhatItBounds) {
  EXPECT_EQ(verdict("bench/lower_bound.cc", "\"bench/lower_bound.h\""), "");
  EXPECT_EQ(verdict("bench/lower_bound.h", "\"isa/machine.h\""), "");
  EXPECT_NE(verdict("bench/lower_bound.cc", "\"compiler/compile.h\""), "");
  EXPECT_NE(verdict("bench/lower_bound.h", "\"bench/resident.h\""), "");
  EXPECT_NE(verdict("bench/lower_bound.cc", "\"sim/run.h\""), "");
}

TEST(IncludeRule, SeesThroughSpellings) {
  EXPECT_NE(verdict("base/diag.cc", "\"diag.h\""), "");
  EXPECT_NE(verdict("base/diag.cc", "\"../isa/insn.h\""), "");
  EXPECT_NE(verdict("cli/main.cc", "<base/diag.h>"), "");
  EXPECT_NE(text_of(check_includes("base/diag.cc", "  #  include\t\"isa/insn.h\"\n", {})), "");
  EXPECT_EQ(text_of(check_includes("base/diag.cc", "// #include \"isa/insn.h\"\n", {})), "");
}

TEST(SourceRule, AcceptsAGoodFile) {
  EXPECT_EQ(text_of(check_source("base/a.h", "// Things: what they do.\n#pragma once\n")), "");
  EXPECT_EQ(text_of(check_source("base/a.cc", "// Things: how they do it.\nint todo;\n")), "");
}

TEST(SourceRule, RefusesBadFiles) {
  const std::string story = "// Things: what they do.\n";
  EXPECT_NE(text_of(check_source("base/a.h", story)), "");
  EXPECT_NE(text_of(check_source("base/a.cc", "#include <vector>\n")), "");
  EXPECT_NE(text_of(check_source("base/a.cc", "//\nint a;\n")), "");
  EXPECT_NE(text_of(check_source("base/a.cc", "")), "");
  EXPECT_NE(text_of(check_source("base/a.cc", story + "\tint a;\n")), "");
  EXPECT_NE(text_of(check_source("base/a.cc", story + "int a;")), "");
  EXPECT_NE(text_of(check_source("base/a.cc", story + "// TO"
                                                      "DO: later\n")),
            "");
  EXPECT_NE(text_of(check_source("base/a.cc", story + "// FIX"
                                                      "ME(me)\n")),
            "");
}

TEST(SourceRule, RefusesToTakeAllOtherFunctionsForOne) {
  const std::string story = "// Things: what they do.\n";
  const std::string choice = story + "auto op = a.fn == ZipFn::kAdd ? \"Add\" : \"Mul\";\n";
  EXPECT_NE(text_of(check_source("compiler/a.cc", choice)), "");
  EXPECT_EQ(text_of(check_source("tests/a.cc", choice)), "");
  EXPECT_EQ(text_of(check_source("compiler/a.cc", story + "    case ZipFn::kAdd:\n")), "");
}

TEST(SourceRule, CountsLines) {
  std::string text = "// Things: what they do.\n";
  for (std::size_t i = 1; i < kMaxLines; ++i) text += "int a;\n";
  EXPECT_EQ(text_of(check_source("base/a.cc", text)), "");
  EXPECT_NE(text_of(check_source("base/a.cc", text + "int a;\n")), "");
}

TEST(PathRule, FindsPathsOfOneMachine) {
  EXPECT_EQ(text_of(check_paths("a", "/usr/share/datasets and src/home/x and ../base\n")), "");
  EXPECT_NE(text_of(check_paths("a",
                                "see /ho"
                                "me/me/x\n")),
            "");
  EXPECT_NE(text_of(check_paths("a",
                                "\"/wo"
                                "rk/x\"\n")),
            "");
  EXPECT_NE(text_of(check_paths("a",
                                "../sha"
                                "red/facts\n")),
            "");
}

}  // namespace
}  // namespace systole::repo
