// See questions.h.
#include "cli/questions.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "base/named_error.h"
#include "formats/program_files.h"
#include "report/host_time.h"
#include "sim/retime.h"

namespace systole::cli {
namespace {

constexpr std::size_t kMostQuestions = 1'000;

// Parameters that the compiler plans by: another value is another program's.
constexpr std::string_view kPlanned[] = {"array.",
                                         "accumulators.",
                                         "unified_buffer.bytes",
                                         "unified_buffer.row_bytes",
                                         "parameters.",
                                         "dram.bytes",
                                         "dram.holds"};
// Such changes that are tried unasked.
constexpr const char* kTried[] = {"accumulators.rows=2x", "unified_buffer.bytes=2x",
                                  "array.rows=2x", "array.columns=2x"};

bool is_planned(std::string_view assignment) {
  const std::string_view key = assignment.substr(0, assignment.find('='));
  return std::ranges::any_of(kPlanned, [&](std::string_view planned) {
    return planned.ends_with('.') ? key.starts_with(planned) : key == planned;
  });
}

using Assignments = std::vector<std::string>;

// "A=1,B=2,3": {A=1, B=2} and {A=1, B=3}.
std::vector<Assignments> combinations(const std::string& text) {
  std::vector<Assignments> all{{}};
  std::vector<Assignments> before = all;  // without the last key
  std::string key;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    std::string part(rest.substr(0, comma));
    part.erase(0, part.find_first_not_of(' '));
    const bool another_value = !key.empty() && part.find('=') == std::string::npos;
    if (!another_value) before = std::exchange(all, {});
    key = another_value ? key : part.substr(0, part.find('='));
    for (Assignments one : before) {
      one.push_back(another_value ? key + "=" + part : part);
      all.push_back(std::move(one));
    }
    if (all.size() > kMostQuestions) {
      throw InputError("its lists", fmt::format("asks more than {} questions", kMostQuestions),
                       "fewer");
    }
    if (comma == std::string_view::npos) return all;
    rest.remove_prefix(comma + 1);
  }
}

Question question(const Assignments& assignments, const isa::Machine& machine) {
  Question one{fmt::format("{}", fmt::join(assignments, ", ")), machine};
  for (const std::string& assignment : assignments) {
    isa::set_parameter(one.machine, assignment);
    one.recompiled = one.recompiled || is_planned(assignment);
  }
  isa::validate(one.machine);
  return one;
}

void add(std::vector<Question>& questions, Question one) {
  if (std::ranges::find(questions, one.machine, &Question::machine) != questions.end()) return;
  questions.push_back(std::move(one));
}

// Runs the question's program on its machine.
report::Asked found(const Subject& subject, const Question& question, report::Asked asked) {
  sim::RunOptions options;
  options.timing_only = true;
  const auto time = [&](const isa::Program& program) {
    return sim::run(program, question.machine, {}, options).report;
  };
  const sim::Report after =
      question.recompiled ? time(make_job(subject.options, std::nullopt, question.machine).program)
                          : time(subject.program);
  const report::Record& record = subject.record;
  const double gain = sim::time_gain(record.report.total.cycles, record.machine, after.total.cycles,
                                     question.machine);
  asked.found = report::other_host(record.machine, question.machine)
                    ? report::total_gain(record, gain, question.machine)
                    : gain;
  return asked;
}

}  // namespace

std::vector<Question> questions_of(const std::vector<std::string>& what_if,
                                   const std::string& subject, const isa::Machine& machine) {
  std::vector<Question> questions;
  for (const std::string& text : what_if) {
    in_file("--what-if " + text, [&] {
      for (const Assignments& assignments : combinations(text)) {
        Question one = question(assignments, machine);
        if (one.recompiled && formats::is_program(subject)) {
          throw InputError("a program", "a program is planned for its machine already",
                           "a model, which is compiled for the changed machine");
        }
        add(questions, std::move(one));
      }
    });
  }
  return questions;
}

void add_unasked(std::vector<Question>& questions, const isa::Machine& machine, bool anew) {
  const auto try_one = [&](const char* change) {
    try {
      Question one = question({change}, machine);
      one.asked = false;
      add(questions, std::move(one));
    } catch (const InputError&) {
      return;  // no machine: nobody asked for it
    }
  };
  try_one("clock.hertz=2x");
  if (!anew) return;
  for (const char* change : kTried) try_one(change);
}

std::vector<report::Asked> answers(const Subject& subject, const std::vector<Question>& questions) {
  const report::Record& record = subject.record;
  std::vector<report::Asked> all;
  const auto answer = [&](const Question& one, const std::optional<double>& predicted) {
    report::Asked asked{one.change, one.machine, predicted, std::nullopt, one.recompiled};
    if (predicted && report::other_host(record.machine, one.machine)) {
      asked.predicted = report::total_gain(record, *predicted, one.machine);
    }
    if (one.asked) {
      all.push_back(in_file("--what-if " + one.change,
                            [&] { return found(subject, one, std::move(asked)); }));
      return;
    }
    try {
      if (subject.runs_again) asked = found(subject, one, std::move(asked));
    } catch (const InputError&) {
      return;  // no machine for this model: nobody asked for it
    }
    if (asked.predicted || asked.found) all.push_back(std::move(asked));
  };
  for (std::size_t i = 0; i < questions.size(); ++i) {
    answer(questions[i], record.why->asked.at(i));
  }
  for (const report::HostChange& change : report::host_changes(record)) {
    const bool known =
        std::ranges::find(questions, change.machine, &Question::machine) != questions.end();
    if (!known) answer({change.change, change.machine, false, false}, 0.0);
  }
  return all;
}

}  // namespace systole::cli
