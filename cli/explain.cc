// systole explain: where a run's time went, and what would change it: predicted from one recorded
// run, found by running again.
#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/named_error.h"
#include "base/outputs.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/sweep.h"
#include "formats/program_files.h"
#include "isa/quantity.h"
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

bool is_planned(const std::string& change) {
  const std::string key = change.substr(0, change.find('='));
  return std::ranges::any_of(kPlanned, [&](std::string_view planned) {
    return planned.ends_with('.') ? key.starts_with(planned) : key == planned;
  });
}

std::string asked_name(const std::string& change) { return "--what-if " + change; }

double seconds_of(const isa::Program& program, const isa::Machine& machine) {
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program, machine, {}, options).report.device_seconds;
}

// Answers what was asked, and what is tried unasked, by running again.
class Asker {
 public:
  Asker(const Options& options, const isa::Program& program, const isa::Machine& machine,
        bool long_run)
      : options_(options), program_(program), machine_(machine), long_run_(long_run) {}

  [[nodiscard]] std::vector<report::Asked> answers(double seconds) const {
    std::vector<report::Asked> all;
    for (const std::string& change : options_.what_if) {
      all.push_back(in_file(asked_name(change), [&] { return ask(change, seconds); }));
    }
    if (options_.no_what_if || long_run_) return all;
    all.push_back(ask("clock.hertz=2x", seconds));
    if (formats::is_program(options_.subject)) return all;
    for (const char* change : kTried) {
      try {
        all.push_back(ask(change, seconds));
      } catch (const InputError&) {
        continue;  // no machine, or none for this model: nobody asked for it
      }
    }
    return all;
  }

 private:
  [[nodiscard]] report::Asked ask(const std::string& change, double seconds) const {
    isa::Machine changed = machine_;
    isa::set_parameter(changed, change);
    isa::validate(changed);
    report::Asked asked{change, std::nullopt, 0.0, is_planned(change)};
    asked.found = 1.0 - time_on(changed, asked.recompiled) / seconds;
    return asked;
  }
  [[nodiscard]] double time_on(const isa::Machine& changed, bool recompiled) const {
    if (!recompiled) return seconds_of(program_, changed);
    if (formats::is_program(options_.subject)) {
      throw InputError("a program", "a program is planned for its machine already",
                       "a model, which is compiled for the changed machine");
    }
    return seconds_of(make_job(options_, std::nullopt, changed).program, changed);
  }

  const Options& options_;
  const isa::Program& program_;
  const isa::Machine& machine_;
  bool long_run_;  // takes so long that nothing is tried unasked
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
  for (const std::string& change : o.what_if) {
    isa::Machine changed = machine;
    in_file(asked_name(change), [&] { isa::set_parameter(changed, change); });
  }
  if (!program) note_units(machine);
  const Job job = make_job(o, std::move(program), machine);
  std::optional<Progress> progress("asking why");
  report::Record record =
      report::timed_record(job.program, machine, {.what_if = !o.no_what_if, .reruns = kReruns});
  record.model = o.subject;
  record.command_line = command_line;
  const auto asked =
      Asker(o, job.program, machine, record.report.wall_seconds > report::kLongRunSeconds)
          .answers(record.report.device_seconds);
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
  command.add_option("--what-if", o->what_if, "asks about this change, too; may be repeated")
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
