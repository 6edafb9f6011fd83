// An entry's lines begin with what they are about, so that the lines that differ tell what changed.
#include "tests/golden/record.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>

#include "base/files.h"
#include "base/source.h"

namespace systole::golden {
namespace {

constexpr std::string_view kIndent = "  ";
constexpr std::size_t kShown = 40;  // lines of a difference

std::string path_of(const std::string& file) { return source_path("tests/golden/record/" + file); }

// What a file of the record holds.
struct Contents {
  std::string heading;  // the lines for readers
  std::vector<Entry> entries;
};

Contents read(const std::string& file) {
  Contents contents;
  if (!std::filesystem::exists(path_of(file))) return contents;
  const std::vector<std::uint8_t> bytes = read_file(path_of(file));
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) {
      contents.heading += line + "\n";
    } else if (!line.starts_with(kIndent)) {
      contents.entries.push_back({line, {}});
    } else if (!contents.entries.empty()) {
      contents.entries.back().lines.push_back(line.substr(kIndent.size()));
    }
  }
  return contents;
}

void write(const std::string& file, const Contents& contents) {
  std::string text = contents.heading;
  for (const Entry& entry : contents.entries) {
    text += entry.name + "\n";
    for (const std::string& line : entry.lines) text += std::string(kIndent) + line + "\n";
  }
  write_file(path_of(file), text);
}

// The entry of this name, or the end.
auto find(std::vector<Entry>& entries, const std::string& name) {
  return std::ranges::find(entries, name, &Entry::name);
}

// The lines of one that the other lacks, each as often as it has them more, in their order.
std::vector<std::string> lacking(const std::vector<std::string>& lines,
                                 const std::vector<std::string>& other) {
  std::map<std::string, int> there;
  for (const std::string& line : other) ++there[line];
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    if (--there[line] < 0) found.push_back(line);
  }
  return found;
}

// "- recorded" and "+ found" lines, a pair for each place if as many are gone as are new; empty if
// the entries are equal.
std::string difference(const std::vector<std::string>& before,
                       const std::vector<std::string>& now) {
  if (before == now) return "";
  const std::vector<std::string> gone = lacking(before, now), made = lacking(now, before);
  if (gone.empty() && made.empty()) return "  the same lines in another order\n";
  std::vector<std::string> text;
  const bool paired = gone.size() == made.size();
  for (std::size_t i = 0; i < gone.size(); ++i) {
    text.push_back("  - " + gone[i]);
    if (paired) text.push_back("  + " + made[i]);
  }
  if (!paired) {
    for (const std::string& line : made) text.push_back("  + " + line);
  }
  const std::size_t more = text.size() - std::min(kShown, text.size());
  text.resize(text.size() - more);
  if (more > 0) text.push_back(fmt::format("  ... and {} lines more", more));
  return fmt::format("{}\n", fmt::join(text, "\n"));
}

}  // namespace

std::vector<Entry> recorded(const std::string& file) { return read(file).entries; }

bool rewriting() {
  const char* const flag = std::getenv("SYSTOLE_REWRITE");
  return flag != nullptr && std::string_view(flag) == "record";
}

void expect_recorded(const std::string& file, const Entry& entry) {
  Contents contents = read(file);
  const auto found = find(contents.entries, entry.name);
  if (rewriting()) {
    if (found == contents.entries.end()) {
      contents.entries.push_back(entry);
    } else {
      found->lines = entry.lines;
    }
    write(file, contents);
    return;
  }
  if (found == contents.entries.end()) {
    ADD_FAILURE() << file << " has no entry '" << entry.name << "' (record/README.md)";
    return;
  }
  const std::string text = difference(found->lines, entry.lines);
  if (!text.empty()) {
    ADD_FAILURE() << file << ": " << entry.name << "\n(- recorded, + now)\n" << text;
  }
}

void expect_names(const std::string& file, const std::vector<std::string>& names) {
  Contents contents = read(file);
  if (rewriting()) {
    std::vector<Entry> kept;
    for (const std::string& name : names) {
      const auto found = find(contents.entries, name);
      if (found != contents.entries.end()) kept.push_back(*found);
    }
    contents.entries = kept;
    write(file, contents);
    return;
  }
  std::vector<std::string> there;
  for (const Entry& entry : contents.entries) there.push_back(entry.name);
  EXPECT_EQ(there, names) << file;
}

}  // namespace systole::golden
