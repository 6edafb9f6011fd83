// The record: what the program did when it was written, kept as text in tests/golden/record, so
// that a change that is to change nothing can be shown to (record/README.md).
//
// A file of the record holds entries: a name on a line of its own, then lines that begin with two
// blanks. Lines that begin with # are for readers.
#pragma once

#include <string>
#include <vector>

namespace systole::golden {

struct Entry {
  std::string name;
  std::vector<std::string> lines;
};

// The entries of a file of the record, in its order; none if there is no such file.
[[nodiscard]] std::vector<Entry> recorded(const std::string& file);

// Whether this run writes the record anew (SYSTOLE_REWRITE=record) instead of comparing with it.
[[nodiscard]] bool rewriting();

// Fails, naming the entry and each line that differs, unless the file has just this entry. With
// rewriting() the entry is put into the file instead.
void expect_recorded(const std::string& file, const Entry& entry);

// Fails unless the file has entries of these names and no others, in this order. With rewriting()
// the others are dropped and the order is made.
void expect_names(const std::string& file, const std::vector<std::string>& names);

}  // namespace systole::golden
