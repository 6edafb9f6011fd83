// Questions: what `explain --what-if` asks, and what it tries unasked because no resource's
// parameter is: other programs, another clock, a cheaper host.
#pragma once

#include <string>
#include <vector>

#include "cli/job.h"
#include "report/explanation.h"

namespace systole::cli {

struct Question {
  std::string change;  // "dram.bytes_per_second=4x", several with ", " between
  isa::Machine machine;
  bool recompiled = false;  // by a program of its own
  bool asked = true;        // by the user
};

// Of each --what-if: KEY=VALUE; KEY=A,B, which is a question a value; KEY=A,OTHER=B, which is of
// both together. Machines that are asked about twice are one question. Throws InputError naming the
// option for what is no machine, or for another program of a subject that is one already.
[[nodiscard]] std::vector<Question> questions_of(const std::vector<std::string>& what_if,
                                                 const std::string& subject,
                                                 const isa::Machine& machine);
// Adds what is asked unasked, with `anew` also of other programs.
void add_unasked(std::vector<Question>& questions, const isa::Machine& machine, bool anew);

// What is to be asked about, and whether it may be run again for questions that nobody asked.
struct Subject {
  const JobOptions& options;
  const isa::Program& program;
  const report::Record& record;  // with what was predicted of the questions
  bool runs_again = true;
};
// The questions' answers and, where the host bounds the run, what a cheaper one gains.
[[nodiscard]] std::vector<report::Asked> answers(const Subject& subject,
                                                 const std::vector<Question>& questions);

}  // namespace systole::cli
