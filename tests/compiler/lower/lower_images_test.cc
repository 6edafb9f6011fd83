// Lowering of feature maps: random graphs of convolutions, pooling, element-wise operations,
// look-ups, concatenations and flattened products compute what the reference evaluator computes.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "isa/verify.h"
#include "tests/compiler/random_graph.h"
#include "tests/support/sanitized.h"

namespace systole::compiler {
namespace {

// Grows a graph from its input, one operation at a time. Every value of the graph has 8 bits and
// one scale.
class GraphGrower {
 public:
  explicit GraphGrower(Random& random, std::int64_t batch) : random_(random) {
    graph_.name = "images";
    const Shape shape = {batch, pick(random_, 1, 20), pick(random_, 1, 9), pick(random_, 1, 9)};
    graph_.inputs = {value("x", random_byte_type(random_), shape)};
    now_ = graph_.inputs[0];
  }

  Graph grow(bool conv_first = false) {
    const std::int64_t operations = pick(random_, 1, 5);
    if (conv_first) conv();
    for (std::int64_t i = 0; i < operations; ++i) add_any();
    if (random_() % 3 == 0) flatten();
    graph_.outputs = {now_};
    return std::move(graph_);
  }

 private:
  ValueId value(const std::string& name, DType type, const Shape& shape) {
    const ValueId id = graph_.add_value({name, type, shape, {}});
    quants_[id] = random_quant(random_, type, 1);
    return id;
  }
  [[nodiscard]] const Shape& shape() const { return graph_.value(now_).shape; }
  std::string name() { return "n" + std::to_string(graph_.nodes.size()); }

  // Appends a node; its output becomes the value to go on with.
  void add(OpKind kind, std::vector<ValueId> inputs, Attrs attrs, ValueId out) {
    graph_.nodes.push_back({kind, name(), "test", std::move(inputs), {out}, std::move(attrs)});
    earlier_.push_back(now_);
    now_ = out;
  }

  void add_any() {
    switch (random_() % 6) {
      case 0:
        return pool();
      case 1:
        return zip();
      case 2:
        return table();
      case 3:
        return concat();
      default:
        return conv();
    }
  }

  // A window that fits the value's images, and the extents of what it makes.
  // Those of convolutions may lie in the padding whole.
  Window window(Shape& out, bool is_conv) {
    const std::int64_t beyond = is_conv && random_() % 4 == 0 ? 3 : 0;
    Window w;
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t length = shape()[2 + d];
      w.kernel[d] = pick(random_, 1, std::min<std::int64_t>(4, length));
      w.strides[d] = pick(random_, 1, 3);
      const bool fits = (w.kernel[d] - 1) * 2 + 1 <= length;
      w.dilations[d] = is_conv && fits && random_() % 3 == 0 ? 2 : 1;
      const std::int64_t reach = (w.kernel[d] - 1) * w.dilations[d];
      const std::int64_t most = std::min<std::int64_t>(2, reach) + beyond;
      w.pads[d] = pick(random_, 0, most);
      w.pads[2 + d] = pick(random_, 0, most);
      out[2 + d] = (length + w.pads[d] + w.pads[2 + d] - reach - 1) / w.strides[d] + 1;
    }
    return w;
  }

  void quantise(ProductQuants& a, ValueId out, std::int64_t columns, std::int64_t axis) {
    a.x_quant = quants_.at(now_);
    const bool has_zeros = random_() % 3 == 0;
    const DType type = has_zeros ? random_byte_type(random_) : DType::kInt8;
    a.w_quant = random_quant(random_, type, random_() % 3 == 0 ? 1 : columns);
    a.w_quant->axis = a.w_quant->per_tensor() ? 0 : axis;
    if (!has_zeros) a.w_quant->zero_points.assign(a.w_quant->zero_points.size(), 0);
    a.output = quants_.at(out);
    const bool is_signed = a.output->type == DType::kInt8;
    a.lo = random_() % 2 == 0 ? a.output->zero_points[0] : (is_signed ? -128 : 0);
    a.hi = is_signed ? 127 : 255;
  }

  std::vector<ValueId> operands(const ProductQuants& a, const Shape& weights,
                                std::int64_t columns) {
    const DType type = a.w_quant->type;
    std::vector<ValueId> ids = {now_};
    ids.push_back(
        graph_.add_value({name() + ".w", type, weights, random_bytes(random_, type, weights)}));
    if (random_() % 3 == 0) return ids;
    Tensor bias(DType::kInt32, {columns});
    for (auto& b : bias.as<std::int32_t>())
      b = static_cast<std::int32_t>(pick(random_, -50000, 50000));
    ids.push_back(graph_.add_value({name() + ".b", DType::kInt32, {columns}, std::move(bias)}));
    return ids;
  }

  void conv() {
    ConvAttrs a;
    const std::int64_t channels = shape()[1];
    const std::int64_t kind = pick(random_, 0, 3);
    if (kind == 0) a.groups = channels;
    if (kind == 1 && channels % 2 == 0) a.groups = 2;
    const std::int64_t columns = a.groups * pick(random_, 1, a.groups > 2 ? 2 : 12);
    Shape out = {shape()[0], columns, 1, 1};
    a.window = window(out, true);
    const ValueId y = value(name() + ".y", random_byte_type(random_), out);
    quantise(a, y, columns, 0);
    add(OpKind::kConv,
        operands(a, {columns, channels / a.groups, a.window.kernel[0], a.window.kernel[1]},
                 columns),
        a, y);
  }

  void pool() {
    PoolAttrs a;
    Shape out = shape();
    a.window = window(out, false);
    a.fn = random_() % 2 == 0 ? PoolFn::kMax : PoolFn::kAverage;
    const ValueId y = value(name() + ".y", graph_.value(now_).type, out);
    if (a.fn == PoolFn::kMax) {
      quants_[y] = quants_.at(now_);
    } else {
      a.count_padding = random_() % 2 == 0;
      a.x_quant = quants_.at(now_);
      a.output = quants_.at(y);
    }
    add(OpKind::kPool, {now_}, a, y);
  }

  void zip() {
    ZipAttrs a;
    a.fn = static_cast<ZipFn>(random_() % 3);
    std::vector<ValueId> same;
    for (ValueId id : earlier_) {
      if (graph_.value(id).shape == shape()) same.push_back(id);
    }
    ValueId other = same.empty() ? now_ : same[random_() % same.size()];
    if (random_() % 3 == 0) other = per_channel();
    const ValueId y = value(name() + ".y", random_byte_type(random_), shape());
    a.a_quant = quants_.at(now_);
    a.b_quant = quants_.at(other);
    a.output = quants_.at(y);
    a.lo = a.output->type == DType::kInt8 ? -128 : 0;
    a.hi = a.lo + 255;
    add(OpKind::kZip, {now_, other}, a, y);
  }

  // A constant of one value a channel.
  ValueId per_channel() {
    const Shape one = {1, shape()[1], 1, 1};
    const ValueId id = value(name() + ".c", DType::kUint8, one);
    graph_.value(id).constant = random_bytes(random_, DType::kUint8, one);
    return id;
  }

  void table() {
    TableAttrs a;
    for (int i = 0; i < 256; ++i) a.entries.push_back(static_cast<std::uint8_t>(random_()));
    add(OpKind::kTable, {now_}, a, value(name() + ".y", random_byte_type(random_), shape()));
  }

  void concat() {
    MoveAttrs a;
    a.fn = MoveFn::kConcat;
    a.axis = 1;
    std::vector<ValueId> parts = {now_};
    for (ValueId id : earlier_) {
      Shape like = graph_.value(id).shape;
      like[1] = shape()[1];
      const bool fits = like == shape() && graph_.value(id).type == graph_.value(now_).type;
      if (fits && parts.size() < 3) parts.push_back(id);
    }
    Shape out = shape();
    out[1] = 0;
    for (ValueId id : parts) out[1] += graph_.value(id).shape[1];
    if (out[1] > 60) return conv();
    const ValueId y = value(name() + ".y", graph_.value(now_).type, out);
    add(OpKind::kMove, parts, a, y);
  }

  void flatten() {
    const std::int64_t k = shape()[1] * shape()[2] * shape()[3];
    const Shape flat = {shape()[0], k};
    const ValueId x = value(name() + ".flat", graph_.value(now_).type, flat);
    quants_[x] = quants_.at(now_);
    add(OpKind::kMove, {now_}, MoveAttrs{}, x);
    const std::int64_t columns = pick(random_, 1, 30);
    MatmulAttrs a;
    const ValueId y = value(name() + ".y", random_byte_type(random_), {flat[0], columns});
    quantise(a, y, columns, 1);
    add(OpKind::kMatmul, operands(a, {k, columns}, columns), a, y);
  }

  Random& random_;
  Graph graph_;
  ValueId now_ = kNoValue;
  std::vector<ValueId> earlier_;
  std::map<ValueId, Quant> quants_;
};

TEST(LowerImages, RandomGraphsComputeWhatTheEvaluatorComputes) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    isa::Machine machine = random_machine(random);
    machine.unified_buffer_bytes *= 20;
    machine.unified_buffer_read_ports = pick(random, 0, 2);
    machine.unified_buffer_write_ports = pick(random, 0, 2);
    machine.accumulators_rows += 20;  // an output line fits
    machine.parameters_rows += 256;   // a table fits
    machine.array_taps = pick(random, 1, 4);
    const Graph graph = GraphGrower(random, pick(random, 1, 4)).grow();
    verify(graph);
    const isa::Program program = compile(graph, machine, {.batches = pick(random, 1, 3)});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text << "\n" << to_text(graph);
    expect_evaluators_bytes(graph, program, random);
    if (HasFatalFailure()) {
      std::cerr << to_text(graph);
      return;
    }
  }
}

// Accumulators that hold no line: convolutions go in tiles of it.
TEST(LowerImages, LinesThatTheMachineCannotHoldGoInTiles) {
  int cut = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    isa::Machine machine = random_machine(random);
    machine.unified_buffer_bytes *= 20;
    machine.accumulators_rows = pick(random, 1, 6);
    machine.parameters_rows += 256;
    machine.array_taps = pick(random, 1, 4);
    const Graph graph = GraphGrower(random, pick(random, 1, 3)).grow(true);
    const isa::Program program = compile(graph, machine, {.batches = pick(random, 1, 3)});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text << "\n" << to_text(graph);
    expect_evaluators_bytes(graph, program, random);
    if (HasFatalFailure()) {
      std::cerr << to_text(graph);
      return;
    }
    cut += std::ranges::any_of(program.tensors, [](const isa::HostTensor& tensor) {
      return tensor.name.find(".tiles") != std::string::npos;
    });
  }
  EXPECT_GT(cut, 50);
}

// Longer than instructions count, in lines or columns, and lines of which the buffer holds none.
TEST(LowerImages, MapsOfAnyExtentAreComputed) {
  for (const char* model :
       {"conv:1,3,1,70000,5,1,5,2,0", "conv:1,3,70000,1,5,5,1,2,0", "conv:1,2,6,3000,3,3,3,1,1",
        "conv:2,2,5,2000,3,3,2,2,1", "conv:1,3,2,66000,4,1,1,2,0"}) {
    SCOPED_TRACE(model);
    const Graph graph = load_model(model, {});
    isa::Machine machine = isa::load_machine("tiny_8");
    machine.dram_bytes *= 4;
    const isa::Program program = compile(graph, machine, {});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text;
    Random random(7);
    expect_evaluators_bytes(graph, program, random);
  }
}

// Two images of 4 channels on an array of 8 rows; the top line has none above it, with and without
// padding, and an odd kernel line is left over.
TEST(LowerImages, PairsLinesWhereTwoPixelsFitARow) {
  isa::Machine machine = isa::load_machine("tiny_8");
  machine.unified_buffer_bytes *= 20;
  for (const char* window : {"3,3,1,1", "3,3,1,0", "2,3,1,0", "5,2,1,1", "4,2,1,0"}) {
    SCOPED_TRACE(window);
    const Graph graph = load_model(std::string("conv:2,4,9,7,10,") + window, {});
    const Compiled compiled = compile_explained(graph, machine, {});
    EXPECT_NE(compiled.explanation.layers.front().mapping.find("lines in pairs"), std::string::npos)
        << compiled.explanation.layers.front().mapping;
    const auto findings = isa::verify(compiled.program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text;
    Random random(5);
    expect_evaluators_bytes(graph, compiled.program, random);
  }
}

// Arrays wide enough for the channels of several images.
TEST(LowerImages, ImagesTogetherComputeWhatTheEvaluatorComputes) {
  int together = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    isa::Machine machine = random_machine(random);
    machine.array_rows = machine.array_columns = 48;
    machine.unified_buffer_row_bytes = seed % 3 == 0 ? pick(random, 8, 48) : 48;
    machine.unified_buffer_bytes = 48 * pick(random, 1000, 4000);
    machine.accumulators_rows += 20;
    machine.parameters_rows += 256;
    machine.array_taps = pick(random, 1, 4);
    const Graph graph = GraphGrower(random, pick(random, 2, 8)).grow(true);
    const isa::Program program = compile(graph, machine, {.batches = pick(random, 1, 3)});
    const auto findings = isa::verify(program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text << "\n" << to_text(graph);
    expect_evaluators_bytes(graph, program, random);
    if (HasFatalFailure()) {
      std::cerr << to_text(graph);
      return;
    }
    together += std::ranges::any_of(program.tensors, [](const isa::HostTensor& tensor) {
      return tensor.name.find(".together") != std::string::npos;
    });
  }
  EXPECT_GT(together, 40);
}

// One sample fits, but not as many as would be put together.
TEST(LowerImages, PutsFewerImagesTogetherWhereTheBufferIsSmall) {
  isa::Machine machine = isa::load_machine("tpu_v1");
  const auto samples = [&](std::int64_t bytes) {
    machine.unified_buffer_bytes = bytes;
    const Graph graph = load_model("conv:8,16,32,32,16,3,3,1,1", {});
    const SegmentNote note =
        compile_explained(graph, machine, {.timing_only = true}).explanation.segments[0];
    return std::pair(note.items, note.bands);
  };
  const std::int64_t sample = 2 * 32 * 32 * machine.unified_buffer_row_bytes;  // in and out
  using Pair = std::pair<std::int64_t, std::int64_t>;                          // samples, bands
  EXPECT_EQ(samples(8 * sample), Pair(8, 1));
  EXPECT_EQ(samples(sample), Pair(8, 1));  // together they take the rows of one
  EXPECT_EQ(samples(sample - 256), Pair(1, 3));
}

// The bytes of unified buffer below which not even one sample fits.
std::int64_t least_buffer(const Graph& graph, isa::Machine machine) {
  const std::int64_t row = machine.unified_buffer_row_bytes;
  std::int64_t low = 1, high = std::int64_t{1} << 20;  // in rows
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    machine.unified_buffer_bytes = middle * row;
    bool fits = true;
    try {
      static_cast<void>(compile(graph, machine, {}));
    } catch (const InputError&) {
      fits = false;
    }
    (fits ? high : low) = middle + (fits ? 0 : 1);
  }
  return low * row;
}

// Buffers that hold only some of a batch: the phases of one graph, in jobs of several sizes.
TEST(LowerImages, GraphsCutIntoPhasesComputeWhatTheEvaluatorComputes) {
  const std::uint64_t seeds = testing_support::fewer_if_sanitized(std::uint64_t{500});
  std::uint64_t nested = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    isa::Machine machine = random_machine(random);
    machine.accumulators_rows += 20;
    machine.parameters_rows += 256;
    machine.dram_bytes_per_second /= 16;  // weights are dear: phases pay
    const Graph graph = GraphGrower(random, pick(random, 3, 9)).grow();
    const CompileOptions options{.batches = pick(random, 1, 2)};
    machine.unified_buffer_bytes = least_buffer(graph, machine) * pick(random, 10, 50) / 10;
    const Compiled compiled = compile_explained(graph, machine, options);
    const auto findings = isa::verify(compiled.program, machine);
    ASSERT_TRUE(findings.empty()) << findings[0].text << "\n" << to_text(graph);
    expect_evaluators_bytes(graph, compiled.program, random);
    if (HasFatalFailure()) {
      std::cerr << to_text(graph);
      return;
    }
    nested += compiled.explanation.segments.size() > 1 ? 1U : 0U;
  }
  EXPECT_GT(nested, seeds / 10);
}

}  // namespace
}  // namespace systole::compiler
