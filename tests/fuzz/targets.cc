// What each target does with its bytes: read, then whatever a command does before it computes, and
// the laws that hold for what was accepted (a program that is written reads back as itself).
#include "tests/fuzz/targets.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/diag.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "formats/program_files.h"
#include "formats/tensor_files.h"
#include "isa/machine.h"
#include "isa/program.h"
#include "isa/scalesim_config.h"
#include "isa/verify.h"
#include "tests/fuzz/targets_cli.h"
#include "traces/read/chrome_reader.h"
#include "traces/read/csv_reader.h"
#include "traces/read/perfetto_reader.h"

namespace systole::fuzz {
namespace {

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

void read_model(const std::string& name, Bytes bytes) {
  compiler::OnnxFile file = compiler::parse_onnx(name, bytes);
  compiler::LoadOptions options;
  options.structure_only = true;
  static_cast<void>(compiler::fuse_quantised(compiler::import_onnx(file, options)));
}

void read_onnx(Bytes bytes) { read_model("fuzz.onnx", bytes); }
void read_onnx_text(Bytes bytes) { read_model("fuzz.onnxtxt", bytes); }

void read_topology(Bytes bytes) {
  static_cast<void>(compiler::parse_topology(text_of(bytes), "fuzz.csv"));
}

void read_config(Bytes bytes) {
  static const isa::Machine base = isa::load_machine("scale_sim_ws");
  static_cast<void>(isa::machine_from_scalesim(text_of(bytes), "fuzz.cfg", base));
}

void read_machine(Bytes bytes) {
  const isa::Machine machine = isa::machine_from_toml(text_of(bytes), "fuzz.toml");
  const isa::Machine again = isa::machine_from_toml(isa::to_toml(machine), "again");
  SYSTOLE_CHECK(again == machine && again.name == machine.name, "a written machine differs");
}

void check_program(const isa::Program& program) {
  static_cast<void>(isa::verify(program, program.machine));
  SYSTOLE_CHECK(isa::load_program(isa::save_program(program), "again") == program,
                "a saved program differs");
}

void read_asm(Bytes bytes) {
  const isa::Program program = formats::program_from_text({bytes.begin(), bytes.end()}, "fuzz.asm");
  check_program(program);
  SYSTOLE_CHECK(isa::assemble(isa::disassemble(program), "again") == program,
                "a disassembled program differs");
}

// With the checksum that ends the file made right, or mutations would get no further.
void read_tpu(Bytes bytes) {
  constexpr std::size_t kCrcBytes = 4;
  std::vector<std::uint8_t> file(bytes.begin(), bytes.end());
  if (file.size() > kCrcBytes) {
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, file.data(), file.size() - kCrcBytes));
    std::memcpy(file.data() + file.size() - kCrcBytes, &crc, kCrcBytes);
  }
  check_program(isa::load_program(file, "fuzz.tpu"));
}

// The first byte picks the reader.
void read_tensor(Bytes bytes) {
  if (bytes.empty()) return;
  constexpr std::array kReaders = {&formats::parse_npy, &formats::parse_idx,
                                   &formats::parse_tensor_proto};
  const Tensor t = kReaders.at(bytes[0] % kReaders.size())(bytes.subspan(1), "fuzz");
  SYSTOLE_CHECK(t.bytes() == t.count() * dtype_bytes(t.type), "{} bytes", t.bytes());
}

// In each format.
void read_trace(Bytes bytes) {
  Bytes rest = bytes;
  traces::ByteSource in([&rest](std::span<std::uint8_t> to) {
    const std::size_t n = std::min(to.size(), rest.size());
    std::copy_n(rest.begin(), n, to.begin());
    rest = rest.subspan(n);
    return n;
  });
  const std::string name = "fuzz.trace";
  traces::TraceListener listener;
  traces::CheckedEvents events(name, listener);
  if (!bytes.empty() && bytes[0] == '{') {
    read_chrome_trace(in, events);
  } else if (!bytes.empty() && bytes[0] == '\n') {  // the tag of a packet
    read_perfetto_trace(in, events);
  } else {
    read_csv_trace(in, events);
  }
}

constexpr auto kTargets = std::to_array<Target>({
    {"onnx", read_onnx},
    {"onnx_text", read_onnx_text},
    {"topology", read_topology},
    {"config", read_config},
    {"machine", read_machine},
    {"asm", read_asm},
    {"tpu", read_tpu},
    {"tensor", read_tensor},
    {"trace", read_trace},
    {"options", read_options},
    {"tensor_file", read_tensor_files},
    {"inputs", read_inputs},
    {"table", read_tables},
    {"measurement", read_measurement},
    {"classes", read_classes},
    {"report", write_reports},
});

}  // namespace

std::span<const Target> targets() { return kTargets; }

void run(const Target& target, Bytes bytes) {
  try {
    target.read(bytes);
  } catch (const InputError& error) {
    const std::string text = error.what();
    SYSTOLE_CHECK(!text.empty() && text.find('\n') == std::string::npos, "message '{}'", text);
  }
}

}  // namespace systole::fuzz
