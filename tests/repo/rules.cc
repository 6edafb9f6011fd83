// Repository rules: each one a scan over the lines of a file.
#include "tests/repo/rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace systole::repo {
namespace {

// What a simulation tells the outside: events as they happen, causes when it is done.
const std::vector<std::string> kProbe = {"sim/kernel/probe.h", "sim/kernel/causes.h",
                                         "sim/kernel/report.h", "sim/kernel/resources.h"};
constexpr std::string_view kBound = "bench/lower_bound.h";

// The folders each folder may include from. Tests and benchmarks see everything.
const std::map<std::string, std::vector<std::string>, std::less<>>& allowed_folders() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> kAllowed = {
      {"base", {"base"}},
      {"isa", {"base", "isa"}},
      {"sim", {"base", "isa", "sim"}},
      {"rtl", {"base", "isa", "sim", "rtl"}},
      {"compiler", {"base", "isa", "compiler"}},
      {"traces", {"base", "isa", "traces"}},
      {"formats", {"base", "isa", "formats"}},
      {"report", {"base", "isa", "sim", "compiler", "traces", "formats", "report"}},
      {"compare", {"base", "isa", "sim", "compiler", "traces", "formats", "report", "compare"}},
      {"validate",
       {"base", "isa", "sim", "rtl", "compiler", "traces", "formats", "report", "compare",
        "validate"}},
      {"cli",
       {"base", "isa", "sim", "rtl", "compiler", "traces", "formats", "report", "compare",
        "validate", "cli"}},
      {"tests",
       {"base", "isa", "sim", "rtl", "compiler", "traces", "formats", "report", "compare",
        "validate", "cli", "bench", "tests"}},
      {"bench",
       {"base", "isa", "sim", "rtl", "compiler", "traces", "formats", "report", "compare",
        "validate", "cli", "bench"}},
  };
  return kAllowed;
}

// What each room of sim and compiler may include of its own folder. Files beside the rooms stand
// above them and see all.
const std::map<std::string, std::vector<std::string>, std::less<>>& allowed_rooms() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> kAllowed = {
      {"sim/kernel", {"sim/kernel"}},
      {"sim/host", {"sim/kernel", "sim/host"}},
      {"sim/unit", {"sim/kernel", "sim/unit"}},
      {"sim/func", {"sim/kernel", "sim/host", "sim/func"}},
      {"compiler/ir", {"compiler/ir"}},
      {"compiler/frontend", {"compiler/ir", "compiler/frontend"}},
      {"compiler/passes", {"compiler/ir", "compiler/passes"}},
      {"compiler/zoo", {"compiler/ir", "compiler/zoo"}},
      {"compiler/lower", {"compiler/ir", "compiler/passes", "compiler/lower"}},
  };
  return kAllowed;
}

std::string_view first_folder(std::string_view path) { return path.substr(0, path.find('/')); }

std::string_view folder_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// What an #include line names, with its opening quote or bracket; empty if it is no such line.
std::string_view include_on(std::string_view line) {
  const auto skip_blanks = [&line] {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  };
  skip_blanks();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip_blanks();
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return {};
  const std::size_t end = line.find(line.front() == '"' ? '"' : '>', 1);
  return line.substr(0, end);
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Empty if path may include name, otherwise the rule it breaks.
std::string broken_include_rule(std::string_view path, std::string_view name,
                                const std::vector<std::string>& probe_tables) {
  const std::string_view from = first_folder(path);
  const std::string_view to = first_folder(name);
  if (!allowed_folders().contains(to)) return "a quoted include names a file from the root";
  if (from == "traces" && to == "sim") {
    if (contains(kProbe, name) || contains(probe_tables, name)) return {};
    return "of sim, traces may include only its probe interface";
  }
  const auto allowed = allowed_folders().find(from);
  if (allowed == allowed_folders().end()) return "the folder has no include rule";
  if (!contains(allowed->second, to)) {
    return std::string(from) + " may not include " + std::string(to);
  }
  if (path.starts_with("bench/lower_bound.") && to != "base" && to != "isa" && name != kBound) {
    return "the lower bound knows the machine alone";
  }
  const auto room = allowed_rooms().find(folder_of(path));
  if (room != allowed_rooms().end() && from == to && !contains(room->second, folder_of(name))) {
    return room->first + " may not include this of " + std::string(from);
  }
  return {};
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// True if word occurs with no letter, digit or underscore beside it.
bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || !is_word(line[at - 1]);
    if (starts && (end == line.size() || !is_word(line[end]))) return true;
  }
  return false;
}

// True if path occurs as the beginning of an absolute path, not inside a longer one.
bool has_absolute(std::string_view line, std::string_view path) {
  for (std::size_t at = line.find(path); at != std::string_view::npos;
       at = line.find(path, at + 1)) {
    const char before = at == 0 ? ' ' : line[at - 1];
    if (!is_word(before) && before != '.' && before != '}' && before != '/') return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> quoted_includes(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view line : lines_of(text)) {
    const std::string_view include = include_on(line);
    if (include.starts_with('"')) names.emplace_back(include.substr(1));
  }
  return names;
}

std::vector<Finding> check_includes(const std::string& path, std::string_view text,
                                    const std::vector<std::string>& probe_tables) {
  std::vector<Finding> findings;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    const std::string_view include = include_on(line);
    if (include.empty()) continue;
    const std::string_view name = include.substr(1);
    std::string rule;
    if (include.front() == '"') {
      rule = broken_include_rule(path, name, probe_tables);
    } else if (name.find('/') != std::string_view::npos &&
               allowed_folders().contains(first_folder(name))) {
      rule = "our own files are included with quotes";
    }
    if (!rule.empty()) findings.push_back({path, number, std::string(name) + ": " + rule});
  }
  return findings;
}

// Whether the line asks for one of an enum's functions (ZipFn::kAdd) and takes all others for
// another: one that is added later would compile.
static bool chooses_by_function(std::string_view line) {
  const std::size_t function = line.find("Fn::k");
  return function != std::string_view::npos && line.find(" ? ", function) != std::string_view::npos;
}

std::vector<Finding> check_source(const std::string& path, std::string_view text) {
  // Spelled in two halves so that this file obeys its own rule.
  static const std::array<std::string, 3> kMarks = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "XX"
      "X"};
  std::vector<Finding> findings;
  const bool is_own_code = first_folder(path) != "tests";
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty() || !lines.front().starts_with("// ") || lines.front().size() < 10) {
    findings.push_back({path, 1, "the first line is not a comment that says what the file is"});
  }
  if (path.ends_with(".h") &&
      std::find(lines.begin(), lines.end(), "#pragma once") == lines.end()) {
    findings.push_back({path, 0, "no #pragma once"});
  }
  if (lines.size() > kMaxLines) {
    findings.push_back({path, 0, std::to_string(lines.size()) + " lines, more than the limit"});
  }
  if (!text.empty() && !text.ends_with('\n')) {
    findings.push_back({path, lines.size(), "no newline at the end"});
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find('\t') != std::string_view::npos) findings.push_back({path, i + 1, "a tab"});
    if (is_own_code && chooses_by_function(lines[i]))
      findings.push_back({path, i + 1, "a choice by one function: a switch over all of them"});
    for (const std::string& mark : kMarks) {
      if (has_word(lines[i], mark)) findings.push_back({path, i + 1, "unfinished: " + mark});
    }
  }
  return findings;
}

std::vector<Finding> check_paths(const std::string& path, std::string_view text) {
  static const std::array<std::string, 4> kMachine = {
      "/ho"
      "me/",
      "/ro"
      "ot/",
      "/wo"
      "rk/",
      "/Us"
      "ers/"};
  static const std::string kOutside =
      ".."
      "/shared";
  std::vector<Finding> findings;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    for (const std::string& machine : kMachine) {
      if (has_absolute(line, machine)) {
        findings.push_back({path, number, "a path of one machine: " + machine});
      }
    }
    if (line.find(kOutside) != std::string_view::npos) {
      findings.push_back({path, number, "a path outside the repository"});
    }
  }
  return findings;
}

}  // namespace systole::repo
