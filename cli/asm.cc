// systole asm and disasm: program text <-> program file.
#include <fmt/core.h>

#include <memory>
#include <string>

#include "base/clean.h"
#include "base/outputs.h"
#include "base/page.h"
#include "cli/commands.h"
#include "formats/program_files.h"

namespace systole::cli {
namespace {

struct Options {
  std::string input, output;
};

void assemble(const Options& o) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  const isa::Program program = formats::program_from_text(read_file(o.input), o.input);
  file->write(isa::save_program(program));
  outputs.commit();
  fmt::print("{}: {}\n", clean(o.output), counted(std::ssize(program.code), "instruction"));
}

void disassemble(const Options& o) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  const std::string text = isa::disassemble(formats::read_program(o.input));
  if (file == nullptr) {
    fmt::print("{}", text);
    return;
  }
  file->write(text);
  outputs.commit();
}

}  // namespace

void add_asm(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("asm", "assembles program text into a program file");
  const auto o = std::make_shared<Options>();
  command.add_option("INPUT", o->input, "program text").required();
  command.add_option("-o,--output", o->output, "program file to write")
      .required()
      .type_name("FILE.tpu");
  command.footer(
      "Example:\n  systole compile gemm:64,64,64 --emit-asm gemm.asm\n"
      "  systole asm gemm.asm -o gemm.tpu");
  command.callback([o] { assemble(*o); });
}

void add_disasm(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand("disasm", "prints a program file as text");
  const auto o = std::make_shared<Options>();
  command.add_option("PROGRAM", o->input, "a .tpu file or program text").required();
  command.add_option("-o,--output", o->output, "file to write instead of standard output")
      .type_name("FILE");
  command.footer(
      "Example:\n  systole compile gemm:64,64,64 -o gemm.tpu\n"
      "  systole disasm gemm.tpu");
  command.callback([o] { disassemble(*o); });
}

}  // namespace systole::cli
