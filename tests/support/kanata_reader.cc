// The rules of Konata's parser: a row begins with I, ends with R, and nothing of it comes after.
#include "tests/support/kanata_reader.h"

#include <fmt/format.h>

#include <sstream>

namespace systole::testing_support {
namespace {

class Reader {
 public:
  explicit Reader(KanataLog& log) : log_(log) {}

  void line(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream in(text);
    for (std::string word; std::getline(in, word, '\t');) words.push_back(word);
    if (words.size() < 2) return fault(text);
    const std::string command = words[0];
    if (command == "Kanata" || command == "C=") return;
    const std::int64_t number = std::stoll(words[1]);
    if (command == "C") {
      if (number <= 0) fault(text);
      now_ += number;
    } else if (command == "I") {
      if (number != static_cast<std::int64_t>(log_.rows.size())) fault(text);
      log_.rows.emplace_back();
    } else {
      if (words.size() < 4 || number >= static_cast<std::int64_t>(log_.rows.size())) {
        return fault(text);
      }
      of_row(log_.rows[static_cast<std::size_t>(number)], words, text);
    }
  }

 private:
  void of_row(KanataRow& row, const std::vector<std::string>& words, const std::string& text) {
    if (row.retired >= 0) return fault(text);
    const std::string& command = words[0];
    if (command == "L") {
      if (words[2] == "0") row.label += words[3];
    } else if (command == "S") {
      close(row);
      row.stages.push_back(fmt::format("{} {}-", words[3], now_));
    } else if (command == "E") {
      if (row.stages.empty() || !row.stages.back().starts_with(words[3] + " ")) fault(text);
      close(row);
    } else if (command == "R") {
      if (row.stages.empty() || row.stages.back().back() == '-') fault(text);
      if (std::stoll(words[2]) != retired_++) fault(text);
      row.retired = now_;
    } else if (command == "W") {
      const std::int64_t producer = std::stoll(words[2]);
      // An arrow begins where the producer's stage with an X was closed.
      if (producer >= static_cast<std::int64_t>(log_.rows.size()) ||
          log_.rows[static_cast<std::size_t>(producer)].retired < 0) {
        return fault(text);
      }
      row.producers.push_back(producer);
    } else {
      fault(text);
    }
  }
  void close(KanataRow& row) {
    if (!row.stages.empty() && row.stages.back().back() == '-') {
      row.stages.back() += std::to_string(now_);
    }
  }
  void fault(const std::string& text) { log_.faults.push_back(text); }

  KanataLog& log_;
  std::int64_t now_ = 0, retired_ = 0;
};

}  // namespace

KanataLog read_kanata(const std::string& text) {
  KanataLog log;
  if (!text.starts_with("Kanata\t0004\n")) log.faults.emplace_back("no header");
  Reader reader(log);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) reader.line(line);
  for (const KanataRow& row : log.rows) {
    if (row.retired < 0) log.faults.push_back(row.label + " never retires");
  }
  return log;
}

}  // namespace systole::testing_support
