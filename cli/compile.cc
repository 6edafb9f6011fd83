// systole compile: model -> program file, and on request its text form and the compiler's view of
// the model.
#include "compiler/compile.h"

#include <fmt/ranges.h>

#include <memory>

#include "base/clean.h"
#include "base/named_error.h"
#include "base/outputs.h"
#include "base/page.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/choices.h"
#include "cli/commands.h"
#include "cli/explanation.h"
#include "cli/model_name.h"
#include "cli/model_options.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "report/why.h"

namespace systole::cli {
namespace {

struct Options {
  std::vector<std::string> calibrate;  // "[NAME=]FILE"
  std::string model, output, emit_asm, emit_ir_after;
  MachineOptions machine;
  ShapeOptions shapes;
  compiler::CompileOptions compile;
  bool emit_ir = false, explain = false, no_what_if = false;
};

// The graph as it is read, and as it is after a pass, where that is asked for.
std::string ir_text(const Options& o, const compiler::Graph& graph, const isa::Machine& machine) {
  std::string text = o.emit_ir ? compiler::to_text(graph) : "";
  const compiler::Pass* last = compiler::find_pass(o.emit_ir_after);
  if (last == nullptr) return text;
  const compiler::PassContext context{&machine, o.compile.timing_only};
  return text + in_file(o.model, [&] {
           return to_text(run_passes(graph, context, compiler::passes().front().id, last->id));
         });
}

void compile(const Options& o) {
  const bool compiles = !o.output.empty() || !o.emit_asm.empty() || o.explain;
  if (!compiles && !o.emit_ir && o.emit_ir_after.empty()) {
    throw_missing("one of --output, --emit-asm, --emit-ir, --emit-ir-after, --explain");
  }
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  AtomicFile* assembly = outputs.file("--emit-asm", o.emit_asm);
  const isa::Machine machine = resolve_machine(o.machine);
  note_units(machine);
  std::optional<Progress> progress("compiling");
  compiler::LoadOptions load = load_options(o.shapes);
  load.structure_only = o.compile.timing_only && o.calibrate.empty();
  load.inline_floats = multiplies_floats_alone(o.machine);
  const compiler::Graph graph =
      o.calibrate.empty() ? read_model(o.model, load) : load_quantised(o.model, o.calibrate, load);
  const std::string ir = ir_text(o, graph, machine);
  compiler::Compiled compiled;
  if (compiles) {
    compiled =
        in_file(o.model, [&] { return compiler::compile_explained(graph, machine, o.compile); });
  }
  const isa::Program& program = compiled.program;
  if (assembly != nullptr) assembly->write(isa::disassemble(program));
  if (file != nullptr) file->write(isa::save_program(program));
  outputs.commit();
  progress.reset();
  fmt::print("{}", ir);
  if (o.explain) {
    fmt::print("{}", explanation_text(compiled));
    const traces::Explanation why = report::explain(program, machine, {.what_if = !o.no_what_if});
    fmt::print("{}", wrapped("bound by " + traces::bound_sentence(why), 0, 4) + "\n");
  }
  if (file == nullptr) return;
  fmt::print("{}: {}, {} bytes of weights, for {}\n", clean(o.output),
             counted(std::ssize(program.code), "instruction"), program.weight_bytes,
             clean(machine.name));
}

}  // namespace

void add_compile(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("compile", "compiles a model into a program file");
  const auto o = std::make_shared<Options>();
  command.add_option("MODEL", o->model, kModelHelp).required();
  add_machine_options(command, o->machine);
  add_shape_options(command, o->shapes);
  command.add_option("--batches", o->compile.batches, "batches the program computes; default 1")
      .check(check_count)
      .type_name("N");
  add_schedule_option(command, o->compile.schedule);
  command.add_flag("--timing-only", o->compile.timing_only, "leaves the weights out");
  add_calibrate_option(command, o->calibrate);
  command.add_option("-o,--output", o->output, "program file to write").type_name("FILE.tpu");
  command.add_option("--emit-asm", o->emit_asm, "also writes the program as text")
      .type_name("FILE");
  command.add_flag("--emit-ir", o->emit_ir, "prints the graph as the compiler reads it");
  command
      .add_option("--emit-ir-after", o->emit_ir_after,
                  fmt::format("prints the graph after this pass; in their order: {}",
                              fmt::join(compiler::pass_names(), ", ")))
      .check(one_of(compiler::pass_names()))
      .type_name("PASS");
  command.add_flag(
      "--explain", o->explain,
      "prints each layer's mapping, weight traffic, predicted cycles and limit, and what "
      "bounds the program's run");
  command.add_flag("--no-what-if", o->no_what_if,
                   "with --explain: what bounds it is predicted, not run again");
  command.footer("Example:\n  systole compile gemm:512,1024,256 -o gemm.tpu --emit-asm gemm.asm");
  command.callback([o] {
    o->model = resolve_model(o->model, "compile", o->shapes);
    compile(*o);
  });
}

}  // namespace systole::cli
