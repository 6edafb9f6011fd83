// Findings: what the verifier's parts report into.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "isa/verify.h"

namespace systole::isa {

// Collects findings up to a limit; the same kind for the same instructions counts once, so that a
// repeated body reports once.
class Findings {
 public:
  Findings(const Program& program, std::size_t limit) : program_(program), limit_(limit) {}

  // "instruction 3 (matmul ...) <what>", instructions counted from 1, with their lines if the
  // program came from text.
  void add(FindingKind kind, std::size_t insn, const std::string& what);
  // "instruction 9 (...) <what> instruction 3 (...); expected <expected>".
  void add_pair(FindingKind kind, std::size_t insn, std::size_t other, const std::string& what,
                const std::string& expected);
  // About the program as a whole.
  void add_general(FindingKind kind, const std::string& what);

  [[nodiscard]] bool full() const { return list_.size() >= limit_; }
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] std::vector<Finding>& list() { return list_; }

 private:
  [[nodiscard]] bool is_new(FindingKind kind, std::int64_t first, std::int64_t second);
  [[nodiscard]] std::string name_of(std::size_t insn) const;

  const Program& program_;
  std::size_t limit_;
  std::vector<Finding> list_;
  std::set<std::tuple<FindingKind, std::int64_t, std::int64_t>> seen_;
};

}  // namespace systole::isa
