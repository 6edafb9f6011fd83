// Disassembler: an instruction or a whole program as text that the assembler turns back into
// exactly the same. docs/formats.md describes the text form.
#include <fmt/format.h>

#include <array>

#include "isa/base64.h"
#include "isa/operand.h"
#include "isa/program.h"
#include "isa/text.h"

namespace systole::isa {
namespace {

constexpr std::size_t kBytesPerLine = 60;  // 80 base64 characters

std::string list_text(const std::vector<std::int64_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

// Hexadecimal floats: exact, whatever the number.
std::string reals_text(const std::vector<float>& values) {
  std::string out;
  for (const float value : values) out += fmt::format("{}{:a}", out.empty() ? "" : ", ", value);
  return "[" + out + "]";
}

void write_bytes(std::string_view directive, const std::vector<std::uint8_t>& bytes,
                 std::string& out) {
  for (std::size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    const std::size_t count = std::min(kBytesPerLine, bytes.size() - at);
    out += fmt::format("{} {}\n", directive, base64(std::span(bytes).subspan(at, count)));
  }
}

void write_head(const Program& p, std::string& out) {
  out += fmt::format(".model {}\n.model_hash {}\n", quote(p.model), quote(p.model_hash));
  out += fmt::format(".batch {}\n.batches {}\n.has_values {}\n", p.batch, p.batches,
                     p.has_values ? 1 : 0);
  out += fmt::format(".weight_bytes {}\n.host_bytes {}\n", p.weight_bytes, p.host_bytes);
  for (const auto& [key, value] : heading(p.machine)) {
    out += fmt::format(".machine {} = {}\n", key, value);
  }
  for (const ParameterView& view : parameters(p.machine)) {
    const bool number = view.value.find_first_not_of("0123456789") == std::string::npos;
    out += fmt::format(".machine {} = {}\n", view.key, number ? view.value : quote(view.value));
  }
}

void write_tables(const Program& p, std::string& out) {
  for (const Layer& layer : p.layers) {
    out += fmt::format(".layer {} kind={} macs={} predicted_cycles={}\n", quote(layer.name),
                       quote(layer.kind), layer.macs, layer.predicted_cycles);
  }
  for (const HostTensor& tensor : p.tensors) {
    out += fmt::format(".tensor {} type={} shape={} role={} address={}\n", quote(tensor.name),
                       dtype_name(tensor.type), list_text(tensor.shape), role_name(tensor.role),
                       tensor.address);
  }
  for (const HostStep& step : p.host_steps) {
    out += fmt::format(
        ".host {} op={} stage={} inputs={} outputs={} numbers={} reals={} layer={}\n",
        quote(step.name), host_op_name(step.op), step.stage, list_text(step.inputs),
        list_text(step.outputs), list_text(step.numbers), reals_text(step.reals), step.layer);
  }
}

}  // namespace

std::string disassemble(const Insn& insn) {
  std::string out(mnemonic(insn));
  const std::size_t bare = out.size();
  std::visit(
      [&](const auto& i) {
        i.for_each([&](std::string_view name, Operand kind, std::int64_t value) {
          if (value == 0 && may_be_left_out(kind)) return;
          out += out.size() == bare ? " " : ", ";
          out.append(name).append("=").append(operand_text(kind, value));
        });
      },
      insn);
  return out;
}

std::string disassemble(const Program& program) {
  std::string out;
  write_head(program, out);
  write_tables(program, out);
  write_bytes(".constants", program.constants, out);
  write_bytes(".weights", program.weights, out);
  for (const Insn& insn : program.code) out += disassemble(insn) + "\n";
  return out;
}

}  // namespace systole::isa
