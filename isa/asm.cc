// Assembler: program text, as docs/formats.md describes it, to instructions and tables.
//
// One pass over the lines: a line is blank, a directive (".name ...") or an instruction. The
// .machine lines are set apart as TOML at their own line numbers and read at the end.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "base/diag.h"
#include "isa/base64.h"
#include "isa/operand.h"
#include "isa/program.h"
#include "isa/program_check.h"
#include "isa/suggest.h"
#include "isa/text.h"

namespace systole::isa {
namespace {

struct Assignment {
  std::string_view name, value;
};

// Reads "name=value, name=value".
std::vector<Assignment> assignments(LineScanner& line) {
  std::vector<Assignment> list;
  if (line.at_end()) return list;
  do {
    Assignment one;
    one.name = line.word();
    if (one.name.empty()) line.fail("no operand name", "name=value");
    line.expect('=');
    one.value = line.word();
    list.push_back(one);
  } while (line.accept(','));
  if (!line.at_end()) line.fail(fmt::format("found '{}'", line.rest()), "',' or the line's end");
  return list;
}

std::vector<std::string> all_mnemonics() {
  return {
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) mnemonic,
#include "isa/opcodes.def"
  };
}

// Takes the assignment to `name` out of the list.
std::optional<std::string_view> take(std::vector<Assignment>& list, std::string_view name) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (it->name != name) continue;
    const std::string_view value = it->value;
    list.erase(it);
    return value;
  }
  return std::nullopt;
}

template <typename T>
void reject_rest(const std::vector<Assignment>& rest, const std::string& where) {
  if (rest.empty()) return;
  std::vector<std::string> known;
  T{}.for_each([&](std::string_view name, Operand, std::int64_t) { known.emplace_back(name); });
  const std::string_view name = rest[0].name;
  const std::string best = nearest(name, known);
  if (best == name) {
    throw InputError(where, fmt::format("{}: operand '{}' is given twice", T::kMnemonic, name),
                     "each operand once");
  }
  throw InputError(where, fmt::format("{}: unknown operand '{}'", T::kMnemonic, name),
                   known.empty() ? "no operands" : fmt::format("'{}'", best));
}

template <typename T>
Insn assemble_as(LineScanner& line) {
  T insn;
  std::vector<Assignment> given = assignments(line);
  insn.for_each([&](std::string_view name, Operand kind, std::int64_t& value) {
    const auto text = take(given, name);
    if (!text && may_be_left_out(kind)) return;
    if (!text) {
      line.fail(fmt::format("{}: operand '{}' is missing", T::kMnemonic, name),
                fmt::format("{}={}", name, operand_expected(kind)));
    }
    const auto parsed = parse_operand(kind, *text);
    if (!parsed) {
      line.fail(fmt::format("{}: {}={}", T::kMnemonic, name, *text), operand_expected(kind));
    }
    value = *parsed;
  });
  reject_rest<T>(given, line.where());
  return insn;
}

struct MnemonicRow {
  std::string_view mnemonic;
  Insn (*assemble)(LineScanner&);
};
constexpr auto kMnemonicRows = std::to_array<MnemonicRow>({
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  {mnemonic, &assemble_as<Struct>},
#include "isa/opcodes.def"
});

Insn assemble_insn(LineScanner& line) {
  const std::string_view word = line.word();
  for (const MnemonicRow& row : kMnemonicRows) {
    if (row.mnemonic == word) return row.assemble(line);
  }
  line.fail(fmt::format("unknown instruction '{}'", word),
            fmt::format("a known one, such as '{}'", nearest(word, all_mnemonics())));
}

// The position of the next word among `names`.
std::size_t one_of(LineScanner& line, const std::vector<std::string>& names, const char* what) {
  const std::string_view word = line.word();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) return i;
  }
  line.fail(fmt::format("{} '{}'{}", what, word, did_you_mean(word, names)),
            fmt::format("one of {}", fmt::join(names, ", ")));
}

// The "key=" in front of a table entry's next value.
void key(LineScanner& line, const char* name) {
  const std::string_view word = line.word();
  if (word != name) line.fail(fmt::format("found '{}'", word), fmt::format("{}=", name));
  line.expect('=');
}

std::int64_t keyed_integer(LineScanner& line, const char* name) {
  key(line, name);
  return line.integer(name);
}

void add_layer(LineScanner& line, Program& p) {
  Layer layer;
  layer.name = line.string();
  key(line, "kind");
  layer.kind = line.string();
  layer.macs = keyed_integer(line, "macs");
  layer.predicted_cycles = keyed_integer(line, "predicted_cycles");
  p.layers.push_back(std::move(layer));
}

void add_tensor(LineScanner& line, Program& p) {
  HostTensor tensor;
  tensor.name = line.string();
  key(line, "type");
  tensor.type = dtype_from_name(line.word(), line.where());
  key(line, "shape");
  tensor.shape = line.integers("dimension");
  key(line, "role");
  tensor.role = static_cast<Role>(one_of(line, role_names(), "role"));
  tensor.address = keyed_integer(line, "address");
  p.tensors.push_back(std::move(tensor));
}

void add_host_step(LineScanner& line, Program& p) {
  HostStep step;
  step.name = line.string();
  key(line, "op");
  step.op = static_cast<HostOp>(one_of(line, host_op_names(), "host operation"));
  step.stage = keyed_integer(line, "stage");
  key(line, "inputs");
  step.inputs = line.integers("input");
  key(line, "outputs");
  step.outputs = line.integers("output");
  key(line, "numbers");
  step.numbers = line.integers("number");
  key(line, "reals");
  step.reals = line.reals("real");
  step.layer = keyed_integer(line, "layer");
  p.host_steps.push_back(std::move(step));
}

void add_bytes(LineScanner& line, std::vector<std::uint8_t>& to) {
  if (!append_base64(line.rest(), to)) line.fail("bytes that are no base64", "base64");
}

struct Directive {
  std::string_view name;
  void (*read)(LineScanner&, Program&);
};
constexpr auto kDirectives = std::to_array<Directive>({
    {".model", [](LineScanner& line, Program& p) { p.model = line.string(); }},
    {".model_hash", [](LineScanner& line, Program& p) { p.model_hash = line.string(); }},
    {".batch", [](LineScanner& line, Program& p) { p.batch = line.integer("batch"); }},
    {".batches", [](LineScanner& line, Program& p) { p.batches = line.integer("batches"); }},
    {".has_values",
     [](LineScanner& line, Program& p) {
       p.has_values = one_of(line, {"0", "1"}, "has_values") == 1;
     }},
    {".weight_bytes",
     [](LineScanner& line, Program& p) { p.weight_bytes = line.integer("weight_bytes"); }},
    {".host_bytes",
     [](LineScanner& line, Program& p) { p.host_bytes = line.integer("host_bytes"); }},
    {".layer", add_layer},
    {".tensor", add_tensor},
    {".host", add_host_step},
    {".constants", [](LineScanner& line, Program& p) { add_bytes(line, p.constants); }},
    {".weights", [](LineScanner& line, Program& p) { add_bytes(line, p.weights); }},
});

// Which directives a program has already; the five of lists may come again.
using Seen = std::vector<std::string_view>;

bool may_come_again(std::string_view directive) {
  return directive == ".layer" || directive == ".tensor" || directive == ".host" ||
         directive == ".constants" || directive == ".weights";
}

void read_directive(LineScanner& line, Program& p, Seen& seen) {
  const std::string_view word = line.word();
  std::vector<std::string> known = {".machine"};
  for (const Directive& directive : kDirectives) {
    known.emplace_back(directive.name);
    if (directive.name != word) continue;
    const bool again = std::ranges::find(seen, directive.name) != seen.end();
    if (again && !may_come_again(word)) line.fail(fmt::format("{} is given twice", word), "one");
    if (!again) seen.push_back(directive.name);
    directive.read(line, p);
    if (!line.at_end()) line.fail(fmt::format("found '{}'", line.rest()), "the line's end");
    return;
  }
  line.fail(fmt::format("unknown directive '{}'", word),
            fmt::format("a known one, such as '{}'", nearest(word, known)));
}

constexpr std::string_view kMachine = ".machine ";

// Reads one line into the program; the TOML of a .machine line goes to `toml`.
void read_line(std::string_view text, const std::string& where, Program& p, std::string& toml,
               Seen& seen) {
  LineScanner line(text, where);
  if (line.at_end()) return;
  const std::string_view body = text.substr(text.find_first_not_of(" \t"));
  if (body.starts_with(kMachine)) {
    toml += body.substr(kMachine.size());
  } else if (body.starts_with('.')) {
    read_directive(line, p, seen);
  } else {
    p.code.push_back(assemble_insn(line));
  }
}

}  // namespace

Insn assemble_line(const std::string& line, const std::string& where) {
  LineScanner scanner(line, where);
  return assemble_insn(scanner);
}

Program assemble(const std::string& text, const std::string& where) {
  Program program;
  program.source.file = where;
  std::string toml;
  Seen seen;
  std::int64_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    read_line(std::string_view(text).substr(at, end - at), fmt::format("{}:{}", where, number),
              program, toml, seen);
    if (program.code.size() > program.source.lines.size()) program.source.lines.push_back(number);
    toml += '\n';
    at = end + 1;
  }
  program.machine = machine_from_toml(toml, where);
  if (program.layers.empty()) program.layers.push_back({"(none)", "", 0, 0});
  check_program(program, where);
  return program;
}

}  // namespace systole::isa
