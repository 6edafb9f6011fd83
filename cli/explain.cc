// systole explain: where a run's time went, and what would change it: predicted from one recorded
// run, found by running again.
#include <fmt/core.h>

#include <memory>

#include "base/outputs.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/questions.h"
#include "cli/sweep.h"
#include "formats/program_files.h"
#include "isa/file_kind.h"
#include "report/explanation.h"
#include "report/page.h"
#include "report/timed.h"
#include "report/why.h"

namespace systole::cli {
namespace {

struct Options : JobOptions {
  SweepOptions sweep;
  bool json = false, no_what_if = false;
  std::string page;
  std::vector<std::string> what_if;  // "KEY=VALUE"
};

constexpr std::size_t kReruns = 8;

void explain(const Options& o, const std::string& command_line) {
  check_job_options(o);
  if (has_lists(o, o.sweep)) {
    if (!o.what_if.empty() || !o.page.empty()) {
      throw InputError(o.page.empty() ? "--what-if" : "--page", "--set has a list: many runs",
                       "one of the two");
    }
    const report::WhyOptions why{.what_if = !o.no_what_if, .reruns = kReruns};
    return sweep({o, o.sweep, sim::Engine::kCycle, why, true, o.json});
  }
  OutputSet files;
  std::optional<isa::Program> program;
  if (formats::is_program(o.subject)) program = formats::read_program(o.subject);
  const isa::Machine machine =
      program ? resolve_machine(o.machine, program->machine) : resolve_machine(o.machine);
  AtomicFile* const page = files.file("--page", o.page);
  if (page != nullptr && !isa::has_ending(o.page, ".html") && !isa::has_ending(o.page, ".htm")) {
    throw InputError("--page " + o.page, "is written as HTML", "a name that ends in .html");
  }
  std::vector<Question> questions = questions_of(o.what_if, o.subject, machine);
  add_unasked(questions, machine, !program && !o.no_what_if);
  if (!program) note_units(machine);
  const Job job = make_job(o, std::move(program), machine);
  std::optional<Progress> progress("asking why");
  report::WhyOptions why{.what_if = !o.no_what_if, .reruns = kReruns};
  for (const Question& question : questions) why.asked.push_back(question.machine);
  report::Record record = report::timed_record(job.program, machine, why);
  record.model = o.subject;
  record.command_line = command_line;
  const bool long_run = record.report.wall_seconds > report::kLongRunSeconds;
  const auto asked = answers({o, job.program, record, !o.no_what_if && !long_run}, questions);
  if (page != nullptr) page->write(report::page_html(record, asked, job.program));
  progress.reset();
  files.commit();
  fmt::print("{}", o.json ? explanation_json(record, asked) : explanation_text(record, asked));
}

}  // namespace

void add_explain(Command app, const std::string& command_line) {
  Command command = app.add_subcommand(
      "explain", "says where a run's time went and what would change it, and tries that");
  const auto o = std::make_shared<Options>();
  add_job_options(command, *o);
  command.add_option("--input", o->inputs, "files whose rows say how many batches run")
      .type_name("[NAME=]FILE");
  add_calibrate_option(command, o->calibrate);
  command
      .add_option(
          "--what-if", o->what_if,
          "asks about this change, too; KEY=A,B: about each value, KEY=A,OTHER=B: about both "
          "together; may be repeated")
      .type_name("KEY=VALUE");
  command.add_flag("--no-what-if", o->no_what_if,
                   "predicts changes; runs again only what --what-if asks");
  command.add_flag("--json", o->json, "prints JSON");
  add_sweep_options(command, o->sweep);
  command
      .add_option("--page", o->page,
                  "writes an HTML page: timeline, tables, a small array step by step")
      .type_name("FILE.html");
  command.footer(
      "Example:\n  systole explain gemm:1024,1024,1024\n"
      "  systole explain resnet50 --batch 8 --what-if unified_buffer.write_ports=4\n"
      "  systole explain resnet50 --batch 8 --page resnet50.html");
  command.callback([o, command_line] {
    o->timing_only = o->calibrate.empty();
    resolve_subject(*o, "explain");
    explain(*o, command_line);
  });
}

}  // namespace systole::cli
