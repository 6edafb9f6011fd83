// Assembler: program text, as docs/formats.md describes it, to instructions and tables.
//
// One pass over the lines: a line is blank, a directive (".name ...") or an instruction. The
// .machine lines are set apart as TOML at their own line numbers and read at the end; so are what
// syncs wait for by label, since labels may come after them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/diag.h"
#include "isa/asm_names.h"
#include "isa/base64.h"
#include "isa/operand.h"
#include "isa/program.h"
#include "isa/program_check.h"
#include "isa/suggest.h"
#include "isa/text.h"

namespace systole::isa {
namespace {

// What is read so far.
struct Reading {
  Program program;
  Constants constants;
  Labels labels;
  std::string toml;                    // of the .machine lines, each at its line
  std::vector<std::string_view> seen;  // directives
  // A body in braces that is open: its repeat, and where that stands.
  std::optional<std::size_t> repeat;
  std::string repeat_where;
};

struct Assignment {
  std::string_view name, value;
};

// An instruction's line.
struct Operands {
  std::string_view mnemonic;
  std::vector<Assignment> given;
  bool opens_body = false;  // it ends in '{'
};

// Reads "name=value, name=value".
std::vector<Assignment> assignments(LineScanner& line) {
  std::vector<Assignment> list;
  do {
    Assignment one;
    one.name = line.word();
    if (one.name.empty()) line.fail("no operand name", "name=value");
    line.expect('=');
    one.value = line.value();
    list.push_back(one);
  } while (line.accept(','));
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
void reject_rest(const LineScanner& line, const std::vector<Assignment>& rest) {
  if (rest.empty()) return;
  std::vector<std::string> known;
  T{}.for_each([&](std::string_view name, Operand, std::int64_t) { known.emplace_back(name); });
  const std::string_view name = rest[0].name;
  const std::string best = nearest(name, known);
  if (best == name) {
    line.fail_at(name, fmt::format("{}: operand '{}' is given twice", T::kMnemonic, name),
                 "each operand once");
  }
  line.fail_at(name, fmt::format("{}: unknown operand '{}'", T::kMnemonic, name),
               known.empty() ? "no operands" : fmt::format("'{}'", best));
}

// The operand's value as it is written: a word of its kind, a number, or a sum with names.
template <typename T>
std::int64_t operand_value(const LineScanner& line, const Reading& reading, Operand kind,
                           const Assignment& given) {
  if (const auto parsed = parse_operand(kind, given.value)) return *parsed;
  const OperandRange& range = operand_range(kind);
  std::string found = fmt::format("{}: {}={}", T::kMnemonic, given.name, given.value);
  if (choice_count(kind) == 0 && Constants::is_expression(given.value)) {
    const std::int64_t value = reading.constants.value(line, given.value);
    if (value >= range.low && value <= range.high) return value;
    found += fmt::format(" is {}", value);
  }
  line.fail_at(given.value, found, operand_expected(kind));
}

// Operands that others say: `after` says what a sync waits for, a body in braces its length.
constexpr std::string_view kAfter = "after";
constexpr auto kSaidByAfter =
    std::to_array<std::string_view>({"wait_for", "distance", "wait_instance"});
constexpr std::string_view kSaidByBraces = "length";

void reject_both(const LineScanner& line, const std::vector<Assignment>& given,
                 std::string_view name, std::string_view other) {
  const auto found = std::ranges::find(given, name, &Assignment::name);
  if (found == given.end()) return;
  line.fail_at(found->name, fmt::format("{} beside {}", name, other), "one of the two");
}

// Takes `after=LABEL` of a sync; whether it was there.
bool take_after(const LineScanner& line, Reading& reading, std::vector<Assignment>& given) {
  const auto label = take(given, kAfter);
  if (!label) return false;
  for (const std::string_view name : kSaidByAfter) reject_both(line, given, name, kAfter);
  reading.labels.refer(line, *label, reading.program.code.size());
  return true;
}

void open_body(const LineScanner& line, Reading& reading, const Operands& operands) {
  reject_both(line, operands.given, kSaidByBraces, "a body in braces");
  if (reading.repeat) {
    line.fail_at(operands.mnemonic, "a repeat within a repeat's body", "no nesting");
  }
  reading.repeat = reading.program.code.size();
  reading.repeat_where = line.where_of(operands.mnemonic);
}

void close_body(LineScanner& line, Reading& reading) {
  if (!reading.repeat) line.fail("'}' without a body", "a line `repeat count=N {` before it");
  const std::size_t length = reading.program.code.size() - *reading.repeat - 1;
  if (length == 0) line.fail("a repeat's body is empty", "an instruction at least");
  std::get<Repeat>(reading.program.code[*reading.repeat]).length =
      static_cast<std::int64_t>(length);
  reading.repeat.reset();
}

template <typename T>
Insn assemble_as(const LineScanner& line, Reading& reading, Operands& operands) {
  T insn;
  std::vector<Assignment>& given = operands.given;
  bool has_after = false;
  if constexpr (std::is_same_v<T, Sync>) has_after = take_after(line, reading, given);
  if constexpr (std::is_same_v<T, Repeat>) {
    if (operands.opens_body) open_body(line, reading, operands);
  }
  const auto is_said = [&](std::string_view name) {
    return (has_after && std::ranges::find(kSaidByAfter, name) != kSaidByAfter.end()) ||
           (operands.opens_body && name == kSaidByBraces);
  };
  insn.for_each([&](std::string_view name, Operand kind, std::int64_t& value) {
    const auto text = take(given, name);
    if (!text && (may_be_left_out(kind) || is_said(name))) return;
    if (!text) {
      line.fail_at(operands.mnemonic,
                   fmt::format("{}: operand '{}' is missing", T::kMnemonic, name),
                   fmt::format("{}={}", name, operand_expected(kind)));
    }
    value = operand_value<T>(line, reading, kind, {name, *text});
  });
  reject_rest<T>(line, given);
  return insn;
}

struct MnemonicRow {
  std::string_view mnemonic;
  Insn (*assemble)(const LineScanner&, Reading&, Operands&);
  bool has_body;
};
constexpr auto kMnemonicRows = std::to_array<MnemonicRow>({
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  {mnemonic, &assemble_as<Struct>, std::is_same_v<Struct, Repeat>},
#include "isa/opcodes.def"
});

void read_insn(LineScanner& line, Reading& reading, std::string_view word) {
  const auto row = std::ranges::find(kMnemonicRows, word, &MnemonicRow::mnemonic);
  if (row == kMnemonicRows.end()) {
    line.fail_at(word, fmt::format("unknown instruction '{}'", word),
                 such_as(word, all_mnemonics(), "one that `systole isa` lists"));
  }
  Operands operands{word, {}, row->has_body && line.accept('{')};
  if (!operands.opens_body && !line.at_end()) operands.given = assignments(line);
  operands.opens_body |= row->has_body && line.accept('{');
  if (!line.at_end()) line.fail(fmt::format("found '{}'", line.rest()), "',' or the line's end");
  reading.program.code.push_back(row->assemble(line, reading, operands));
}

// A line of code: labels, then an instruction or the end of a body.
void read_code(LineScanner& line, Reading& reading) {
  if (line.accept('}')) {
    close_body(line, reading);
    if (!line.at_end()) line.fail(fmt::format("found '{}'", line.rest()), "the line's end");
    return;
  }
  std::string_view word = line.word();
  while (line.accept(':')) {
    reading.labels.define(line, word, reading.program.code.size());
    if (line.at_end()) return;
    word = line.word();
  }
  read_insn(line, reading, word);
}

// The end of the text.
void finish_code(Reading& reading) {
  if (reading.repeat) {
    throw InputError(reading.repeat_where, "a repeat's body without its end",
                     "a line '}' behind it");
  }
  reading.labels.resolve(reading.program);
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

// A number, or names and numbers joined by + - * without blanks.
std::int64_t integer(LineScanner& line, const Reading& reading, const char* what) {
  const std::string_view text = line.word();
  if (Constants::is_expression(text)) return reading.constants.value(line, text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    line.fail_at(text, fmt::format("{} '{}'", what, text), "an integer");
  }
  return value;
}

// [1, 2, 3]
std::vector<std::int64_t> integers(LineScanner& line, const Reading& reading, const char* what) {
  std::vector<std::int64_t> values;
  line.expect('[');
  if (line.accept(']')) return values;
  do {
    values.push_back(integer(line, reading, what));
  } while (line.accept(','));
  line.expect(']');
  return values;
}

std::int64_t keyed_integer(LineScanner& line, const Reading& reading, const char* name) {
  key(line, name);
  return integer(line, reading, name);
}

void add_layer(LineScanner& line, Reading& reading) {
  Layer layer;
  layer.name = line.string();
  key(line, "kind");
  layer.kind = line.string();
  layer.macs = keyed_integer(line, reading, "macs");
  layer.predicted_cycles = keyed_integer(line, reading, "predicted_cycles");
  reading.program.layers.push_back(std::move(layer));
}

void add_tensor(LineScanner& line, Reading& reading) {
  HostTensor tensor;
  tensor.name = line.string();
  key(line, "type");
  const std::string_view type = line.word();
  tensor.type = dtype_from_name(type, line.where());
  key(line, "shape");
  tensor.shape = integers(line, reading, "dimension");
  key(line, "role");
  tensor.role = static_cast<Role>(one_of(line, role_names(), "role"));
  tensor.address = keyed_integer(line, reading, "address");
  reading.program.tensors.push_back(std::move(tensor));
}

void add_host_step(LineScanner& line, Reading& reading) {
  HostStep step;
  step.name = line.string();
  key(line, "op");
  step.op = static_cast<HostOp>(one_of(line, host_op_names(), "host operation"));
  step.stage = keyed_integer(line, reading, "stage");
  key(line, "inputs");
  step.inputs = integers(line, reading, "input");
  key(line, "outputs");
  step.outputs = integers(line, reading, "output");
  key(line, "numbers");
  step.numbers = integers(line, reading, "number");
  key(line, "reals");
  step.reals = line.reals("real");
  step.layer = keyed_integer(line, reading, "layer");
  reading.program.host_steps.push_back(std::move(step));
}

void add_bytes(LineScanner& line, std::vector<std::uint8_t>& to) {
  if (!append_base64(line.rest(), to)) line.fail("bytes that are no base64", "base64");
}

// `.let name = value`
void define_constant(LineScanner& line, Reading& reading) {
  const std::string_view name = line.word();
  line.expect('=');
  const std::string_view text = line.value();
  reading.constants.define(line, name, reading.constants.value(line, text));
}

struct Directive {
  std::string_view name;
  void (*read)(LineScanner&, Reading&);
  bool may_come_again = false;
};
constexpr auto kDirectives = std::to_array<Directive>({
    {".model", [](LineScanner& line, Reading& r) { r.program.model = line.string(); }},
    {".model_hash", [](LineScanner& line, Reading& r) { r.program.model_hash = line.string(); }},
    {".batch", [](LineScanner& line, Reading& r) { r.program.batch = integer(line, r, "batch"); }},
    {".batches",
     [](LineScanner& line, Reading& r) { r.program.batches = integer(line, r, "batches"); }},
    {".has_values",
     [](LineScanner& line, Reading& r) {
       r.program.has_values = one_of(line, {"0", "1"}, "has_values") == 1;
     }},
    {".weight_bytes",
     [](LineScanner& line, Reading& r) {
       r.program.weight_bytes = integer(line, r, "weight_bytes");
     }},
    {".host_bytes",
     [](LineScanner& line, Reading& r) { r.program.host_bytes = integer(line, r, "host_bytes"); }},
    {".layer", add_layer, true},
    {".tensor", add_tensor, true},
    {".host", add_host_step, true},
    {".constants", [](LineScanner& line, Reading& r) { add_bytes(line, r.program.constants); },
     true},
    {".weights", [](LineScanner& line, Reading& r) { add_bytes(line, r.program.weights); }, true},
    {".let", define_constant, true},
});

void read_directive(LineScanner& line, Reading& reading) {
  const std::string_view word = line.word();
  std::vector<std::string> known = {".machine"};
  for (const Directive& directive : kDirectives) {
    known.emplace_back(directive.name);
    if (directive.name != word) continue;
    const bool again = std::ranges::find(reading.seen, directive.name) != reading.seen.end();
    if (again && !directive.may_come_again) {
      line.fail(fmt::format("{} is given twice", word), "one");
    }
    if (!again) reading.seen.push_back(directive.name);
    directive.read(line, reading);
    if (!line.at_end()) line.fail(fmt::format("found '{}'", line.rest()), "the line's end");
    return;
  }
  line.fail(fmt::format("unknown directive '{}'", word), such_as(word, known));
}

constexpr std::string_view kMachine = ".machine ";

void read_line(std::string_view text, const std::string& where, Reading& reading) {
  LineScanner line(text, where);
  if (line.at_end()) return;
  const std::string_view body = text.substr(text.find_first_not_of(" \t"));
  if (body.starts_with(kMachine)) {
    reading.toml += body.substr(kMachine.size());
  } else if (body.starts_with('.')) {
    read_directive(line, reading);
  } else {
    read_code(line, reading);
  }
}

}  // namespace

Insn assemble_line(const std::string& line, const std::string& where) {
  LineScanner scanner(line, where);
  Reading reading;
  read_code(scanner, reading);
  if (reading.program.code.empty()) scanner.fail("no instruction", "one");
  finish_code(reading);
  return reading.program.code.front();
}

Program assemble(const std::string& text, const std::string& where) {
  Reading reading;
  Program& program = reading.program;
  program.source.file = where;
  std::int64_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    read_line(std::string_view(text).substr(at, end - at), fmt::format("{}:{}", where, number),
              reading);
    if (program.code.size() > program.source.lines.size()) program.source.lines.push_back(number);
    reading.toml += '\n';
    at = end + 1;
  }
  finish_code(reading);
  program.machine = machine_from_toml(reading.toml, where);
  if (program.layers.empty()) program.layers.push_back({"(none)", "", 0, 0});
  check_program(program, where);
  return std::move(program);
}

}  // namespace systole::isa
