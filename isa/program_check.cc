// Program checks, one function per table.
#include "isa/program_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/diag.h"

namespace systole::isa {
namespace {

constexpr std::int64_t kMaxHostBytes = std::int64_t{1} << 40;
constexpr std::int64_t kMaxSamples = std::int64_t{1} << 32;  // batch * batches

// How many operands and attributes each row of host_ops.def takes.
struct HostArity {
  std::size_t least, most;  // inputs
  bool (*attributes_fit)(const HostStep&);
  const char* attributes;
};

bool has_scales(const HostStep& step) {
  return !step.reals.empty() && step.numbers.size() == step.reals.size() + 1;
}
bool has_axes(const HostStep& step) { return step.numbers.size() == 2 && step.reals.empty(); }
bool has_none(const HostStep& step) { return step.numbers.empty() && step.reals.empty(); }
bool has_permutation(const HostStep& step) { return step.reals.empty(); }

bool is_zip(const HostStep& step) {
  return has_none(step) || (step.numbers.size() == 5 && step.reals.size() == 3);
}
template <std::size_t count>
bool has_reals(const HostStep& step) {
  return step.numbers.empty() && step.reals.size() == count;
}
bool is_table(const HostStep& step) {
  const auto is_byte = [](std::int64_t n) { return n >= 0 && n <= 255; };
  return step.numbers.size() == 256 && step.reals.empty() &&
         std::ranges::all_of(step.numbers, is_byte);
}
constexpr std::int64_t kReductionCount = 0
#define SYSTOLE_REDUCTION(name, text) +1
#include "isa/reductions.def"
    ;
bool is_reduction(const HostStep& step) {
  return step.numbers.size() == 3 && step.reals.empty() && step.numbers[2] >= 0 &&
         step.numbers[2] < kReductionCount;
}
bool is_window(const HostStep& step) { return step.numbers.size() == 13 && step.reals.empty(); }
bool is_average(const HostStep& step) {
  return is_window(step) || (step.numbers.size() == 15 && step.reals.size() == 2);
}
bool is_pad(const HostStep& step) { return step.reals.size() <= 1; }
bool is_conv(const HostStep& step) { return step.numbers.size() == 9 && step.reals.empty(); }
bool is_product(const HostStep& step) {
  return step.numbers.empty() && (step.reals.size() == 1 || step.reals.size() == 2);
}
template <std::size_t numbers, std::size_t reals>
bool has_counts(const HostStep& step) {
  return step.numbers.size() == numbers && step.reals.size() == reals;
}
bool is_concat(const HostStep& step) { return step.numbers.size() == 1 && step.reals.empty(); }

constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
constexpr const char* kScales = "an axis, then one zero point per scale";
constexpr const char* kAxes = "a first and an end axis";
constexpr const char* kNone = "no attributes";
constexpr const char* kPermutation = "the permutation only";

// Of the reals of a row of elementwise.def.
constexpr std::size_t count_of(std::initializer_list<float> reals) { return reals.size(); }
HostArity map_arity(std::size_t reals) {
  if (reals == 0) return {1, 1, has_none, kNone};
  return reals == 1 ? HostArity{1, 1, has_reals<1>, "one number"}
                    : HostArity{1, 1, has_reals<2>, "two numbers"};
}

HostArity arity_of(HostOp op) {
  [[maybe_unused]] constexpr float lo = 0.0F, hi = 0.0F, alpha = 0.0F, beta = 0.0F;
  switch (op) {
    case HostOp::kQuantise:
    case HostOp::kDequantise:
      return {1, 1, has_scales, kScales};
    case HostOp::kSoftmax:
      return {1, 1, has_axes, kAxes};
#define SYSTOLE_ZIP(name, text, host_op, ...) case HostOp::host_op:
#include "isa/elementwise.def"
      return {2, 2, is_zip, "none, or 5 numbers and 3 scales"};
#define SYSTOLE_MAP(name, text, host_op, reals, ...) \
  case HostOp::host_op:                              \
    return map_arity(count_of reals);
#include "isa/elementwise.def"
    case HostOp::kTable:
      return {1, 1, is_table, "256 bytes"};
    case HostOp::kMatmul:
      return {2, 3, is_product, "one number, or two"};
    case HostOp::kConv:
      return {2, 3, is_conv, "9 numbers"};
#define SYSTOLE_HOST_FN(name, text, least, most, numbers, reals, meaning) \
  case HostOp::name:                                                      \
    return {least, most, has_counts<numbers, reals>, "as isa/host_functions.def has them"};
#include "isa/host_functions.def"
    case HostOp::kReduce:
      return {1, 1, is_reduction, "a first and an end axis and a function"};
    case HostOp::kMaxPool:
      return {1, 1, is_window, "13 numbers of a window"};
    case HostOp::kAveragePool:
      return {1, 1, is_average,
              "13 numbers of a window; of integers 2 zero points and 2 scales more"};
    case HostOp::kPad:
      return {1, 1, is_pad, "pads and a fill"};
    case HostOp::kConcat:
      return {1, kAnyNumber, is_concat, "an axis"};
    case HostOp::kSelect:
      return {3, 3, has_none, kNone};
    case HostOp::kCast:
      return {1, 1, has_none, kNone};
    case HostOp::kTranspose:
      return {1, 1, has_permutation, kPermutation};
    case HostOp::kCopy:
      return {1, 1, has_none, kNone};
  }
  SYSTOLE_CHECK(false, "host operation {}", static_cast<int>(op));
}

void require_between(std::int64_t value, std::int64_t low, std::int64_t high, const char* what,
                     const std::string& where) {
  if (value >= low && value <= high) return;
  throw InputError(where, fmt::format("{} is {}", what, value), fmt::format("{} to {}", low, high));
}

void check_sizes(const Program& p, const std::string& where) {
  require_between(p.batch, 1, kMaxSamples, "batch", where);
  require_between(p.batches, 1, kMaxSamples / p.batch, "batches", where);
  require_between(p.host_bytes, std::ssize(p.constants), kMaxHostBytes - 1, "host_bytes", where);
  require_between(p.weight_bytes, 0, p.machine.dram_bytes, "weight_bytes", where);
  const std::int64_t image = std::ssize(p.weights);
  if (image == (p.has_values ? p.weight_bytes : 0)) return;
  throw InputError(
      where, fmt::format("a weight image of {} bytes", image),
      p.has_values ? fmt::format("{} bytes", p.weight_bytes) : "none in a program without values");
}

void check_tensor(const HostTensor& tensor, const Program& p, const std::string& where) {
  const std::int64_t elements = element_count(tensor.shape, where);
  const std::int64_t bytes = elements * dtype_bytes(tensor.type);
  const bool constant = tensor.role == Role::kConstant;
  const std::int64_t low = constant ? 0 : std::ssize(p.constants);
  const std::int64_t end = constant ? std::ssize(p.constants) : p.host_bytes;
  if (bytes <= end - low && tensor.address >= low && tensor.address <= end - bytes) return;
  throw InputError(where, fmt::format("{} bytes at host address {}", bytes, tensor.address),
                   fmt::format("a place in [{}, {})", low, end));
}

void check_indices(const std::vector<std::int64_t>& indices, std::size_t count, const Program& p,
                   const char* what, const std::string& where) {
  if (indices.size() != count) {
    throw InputError(where, fmt::format("{} {}", indices.size(), what), std::to_string(count));
  }
  for (const std::int64_t i : indices) {
    require_between(i, 0, std::ssize(p.tensors) - 1, what, where);
  }
}

void check_step(const HostStep& step, const Program& p, const std::string& where) {
  const HostArity arity = arity_of(step.op);
  require_between(step.stage, 0, kFinalStage, "stage", where);
  require_between(step.layer, 0, std::ssize(p.layers) - 1, "layer", where);
  const std::size_t inputs = std::clamp(step.inputs.size(), arity.least, arity.most);
  check_indices(step.inputs, inputs, p, "inputs", where);
  check_indices(step.outputs, 1, p, "outputs", where);
  if (!arity.attributes_fit(step)) {
    throw InputError(where,
                     fmt::format("{} numbers and {} reals", step.numbers.size(), step.reals.size()),
                     arity.attributes);
  }
  const auto is_finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(step.reals.begin(), step.reals.end(), is_finite)) {
    throw InputError(where, "a real that is not finite", "finite numbers");
  }
}

void check_layers(const Program& p, const std::string& where) {
  if (p.layers.empty() || p.layers[0].name != "(none)") {
    throw InputError(where, "the layer table does not start with (none)", "layer 0 named (none)");
  }
  require_between(std::ssize(p.layers), 1, std::int64_t{1} << info(Operand::Layer).bits, "layers",
                  where);
  for (const Layer& layer : p.layers) {
    const std::string at = fmt::format("{}: layer '{}'", where, layer.name);
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    require_between(layer.macs, 0, kMost, "macs", at);
    require_between(layer.predicted_cycles, 0, kMost, "predicted_cycles", at);
  }
}

}  // namespace

bool takes_inputs(HostOp op, std::size_t count) {
  const HostArity arity = arity_of(op);
  return count >= arity.least && count <= arity.most;
}

void check_program(const Program& program, const std::string& where) {
  validate(program.machine);
  check_sizes(program, where);
  check_layers(program, where);
  for (const HostTensor& tensor : program.tensors) {
    check_tensor(tensor, program, fmt::format("{}: tensor '{}'", where, tensor.name));
  }
  std::int64_t stage = 0;
  for (const HostStep& step : program.host_steps) {
    const std::string at = fmt::format("{}: host step '{}'", where, step.name);
    check_step(step, program, at);
    require_between(step.stage, stage, kFinalStage, "stage (steps are ordered by stage)", at);
    stage = step.stage;
  }
}

}  // namespace systole::isa
