// Reading a Kanata log back, line by line, as the viewer Konata does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace systole::testing_support {

struct KanataRow {
  std::string label;
  std::vector<std::string> stages;  // "NAME begin-end"
  std::vector<std::int64_t> producers;
  std::int64_t retired = -1;
};

struct KanataLog {
  std::vector<KanataRow> rows;
  std::vector<std::string> faults;  // lines that the viewer refuses or warns of
};
[[nodiscard]] KanataLog read_kanata(const std::string& text);

}  // namespace systole::testing_support
