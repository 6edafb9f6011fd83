// systole ops: the ONNX operators that are read, what each becomes and where a machine runs it.
//
// Nothing is listed by hand: each operator's example (onnx_ops.def) is imported and compiled for
// the machine, and the table says what came of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clean.h"
#include "base/diag.h"
#include "base/json_text.h"
#include "base/page.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "compiler/compile.h"
#include "compiler/frontend/onnx_examples.h"
#include "compiler/frontend/onnx_ops.h"
#include "isa/program.h"
#include "isa/text.h"

namespace systole::cli {
namespace {

using compiler::ExampleForm;

struct Options {
  MachineOptions machine;
  bool json = false;
};

struct Row {
  std::string name, versions, becomes, quantised, floats, accepts;
};

// The ops that stand for the operator itself.
std::string becomes(const compiler::OnnxOperator& op) {
  for (const ExampleForm form : {ExampleForm::kFloat, ExampleForm::kQuantised}) {
    const auto graph = compiler::example_graph(op, form);
    if (!graph) continue;
    std::vector<std::string> kinds;
    for (const compiler::Node& node : graph->nodes) {
      const std::string kind(compiler::op_name(node.kind));
      const bool fresh = std::find(kinds.begin(), kinds.end(), kind) == kinds.end();
      if (node.origin == op.name && fresh) kinds.push_back(kind);
    }
    return kinds.empty() ? "nothing" : fmt::format("{}", fmt::join(kinds, ", "));
  }
  return "nothing";
}

// Host steps of layers that are the host's; those that only change a layout belong to others.
std::set<std::string> host_steps(const isa::Program& program) {
  std::set<std::string> names;
  for (const isa::HostStep& step : program.host_steps) {
    const isa::Layer& layer = program.layers.at(static_cast<std::size_t>(step.layer));
    if (layer.kind == "host") names.insert(std::string(isa::host_op_name(step.op)));
  }
  return names;
}

std::string units(const isa::Program& program) {
  const auto works = [&](isa::Unit unit) {
    return std::ranges::any_of(program.code, [&](const isa::Insn& insn) {
      return isa::counts(insn) && isa::queue_of(insn) == unit;
    });
  };
  if (works(isa::Unit::kMatrix)) return "matrix unit";
  return works(isa::Unit::kVector) ? "vector unit" : "";
}

// Where the example's work is done.
std::string place_of(const compiler::OnnxOperator& op, ExampleForm form,
                     const isa::Machine& machine) {
  const auto graph = compiler::example_graph(op, form);
  if (!graph) return "-";
  try {
    const isa::Program program = compiler::compile(*graph, machine, {});
    const std::set<std::string> host = host_steps(program);
    std::string text = units(program);
    if (!host.empty())
      text += fmt::format("{}host: {}", text.empty() ? "" : ", ", fmt::join(host, ", "));
    return text.empty() ? "folded, nothing runs" : text;
  } catch (const InputError& error) {
    return "refused: " + error.diag().what;
  }
}

std::vector<Row> rows(const isa::Machine& machine) {
  const Progress progress("compiling examples");
  std::vector<Row> rows;
  for (const compiler::OnnxOperator& op : compiler::onnx_operators()) {
    const std::string dot = op.domain.empty() ? "" : ".";
    rows.push_back({fmt::format("{}{}{}", op.domain, dot, op.name),
                    fmt::format("{}-{}", op.first, op.newest), becomes(op),
                    place_of(op, ExampleForm::kQuantised, machine),
                    place_of(op, ExampleForm::kFloat, machine), std::string(op.accepts)});
  }
  return rows;
}

void print_json(const std::vector<Row>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    list.push_back({{"operator", row.name},
                    {"versions", row.versions},
                    {"becomes", row.becomes},
                    {"quantised", row.quantised},
                    {"float32", row.floats},
                    {"accepted", row.accepts}});
  }
  fmt::print("{}", json_text(list));
}

// A block an operator.
void print_table(const std::vector<Row>& rows, const isa::Machine& machine) {
  fmt::print("{}\n", wrapped("Each operator with its versions; what it becomes; where " +
                                 clean(machine.name) + " runs it in 8 bits and in float32.",
                             0, 0));
  const auto line = [](const char* name, const std::string& text) {
    const std::string head = fmt::format("  {:<11}", name);
    if (!text.empty()) fmt::print("{}{}\n", head, wrapped(text, head.size(), head.size()));
  };
  for (const Row& row : rows) {
    fmt::print("{} {}\n", row.name, row.versions);
    line("becomes", row.becomes);
    line("8 bits", row.quantised);
    line("float32", row.floats);
    line("accepted", row.accepts);
  }
}

}  // namespace

void add_ops(Command app, const std::string& /*command_line*/) {
  Command command =
      app.add_subcommand("ops", "lists the ONNX operators that are read and where they run");
  const auto o = std::make_shared<Options>();
  add_machine_options(command, o->machine);
  command.add_flag("--json", o->json, "prints the table as JSON");
  command.footer(
      "Each operator's example is compiled: 8 bits, as an integer operator or between\n"
      "DequantizeLinear and QuantizeLinear, and float32.\n"
      "Example:\n  systole ops --machine tpu_v1");
  command.callback([o] {
    const isa::Machine machine = resolve_machine(o->machine);
    const std::vector<Row> table = rows(machine);
    o->json ? print_json(table) : print_table(table, machine);
  });
}

}  // namespace systole::cli
