// ONNX's two losses, forward: the score of each label, by a mask that is 1 at the label, so that
// ignored ones are nowhere; with class weights the mask holds these.
#include <algorithm>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Where the labels are: float32 [N, C, ...], the weight of the class at the label, else 0.
ValueId label_mask(OnnxNode& node, std::int64_t classes,
                   const std::optional<std::int64_t>& ignored) {
  GraphBuilder& builder = node.builder();
  const Shape labels = node.shape(1);
  // Negative labels count from the end, so there are more classes where they are ignored ones.
  const std::int64_t all = classes + (ignored && *ignored < 0 ? -*ignored : 0);
  Shape shape = labels;
  shape.insert(shape.begin() + 1, all);
  const std::vector<float> values = {0.0F, 1.0F};
  const ValueId pair = builder.add_constant("values", make_tensor<float>({2}, values));
  ValueId mask =
      emit_host(node, {HostFn::kOneHot, {1}}, {node.input(1), pair}, DType::kFloat32, shape);
  if (all > classes) mask = emit_slice(builder, mask, 1, 0, classes);
  Shape per_class(shape.size(), 1);
  per_class[1] = classes;
  if (ignored && *ignored >= 0 && *ignored < classes) {
    std::vector<float> kept(static_cast<std::size_t>(classes), 1.0F);
    kept[static_cast<std::size_t>(*ignored)] = 0.0F;
    const ValueId by = builder.add_constant("kept", make_tensor<float>(per_class, kept));
    mask = emit_zip(builder, ZipFn::kMul, mask, by);
  }
  if (!node.has(2)) return mask;
  node.require_type("weights", node.input(2), DType::kFloat32);
  node.require(node.shape(2) == Shape{classes}, "weights have shape " + shape_text(node.shape(2)),
               shape_text({classes}));
  return emit_zip(builder, ZipFn::kMul, mask, builder.reshape(node.input(2), per_class));
}

// The loss of log-probabilities [N, C, ...].
ValueId loss(OnnxNode& node, ValueId scores) {
  GraphBuilder& builder = node.builder();
  const Shape x = builder.value(scores).shape;
  Shape labels = x;
  if (x.size() >= 2) labels.erase(labels.begin() + 1);
  node.require(x.size() >= 2 && node.shape(1) == labels,
               fmt::format("scores {} and labels {}", shape_text(x), shape_text(node.shape(1))),
               "[N, C, ...] and [N, ...]");
  const std::string reduction = node.string_or("reduction", "mean");
  node.require(reduction == "mean" || reduction == "sum" || reduction == "none",
               "reduction is '" + reduction + "'", "mean, sum or none");
  std::optional<std::int64_t> ignored;
  if (node.has_attribute("ignore_index")) ignored = node.int_or("ignore_index", 0);
  constexpr std::int64_t kMostIgnored = std::int64_t{1} << 20;
  node.require(!ignored || *ignored > -kMostIgnored, fmt::format("ignore_index is {}", *ignored),
               fmt::format("more than {}", -kMostIgnored));
  const ValueId mask = label_mask(node, x[1], ignored);
  const ValueId picked =
      emit_map(builder, {MapFn::kNeg}, emit_zip(builder, ZipFn::kMul, scores, mask));
  if (reduction == "none")
    return builder.reshape(emit_reduce(builder, ReduceFn::kSum, picked, {1}), labels);
  std::vector<std::int64_t> axes;
  for (std::int64_t d = 0; d < std::ssize(x); ++d) axes.push_back(d);
  const ValueId sum = builder.reshape(emit_reduce(builder, ReduceFn::kSum, picked, axes), {});
  if (reduction == "sum") return sum;
  const ValueId weight = builder.reshape(emit_reduce(builder, ReduceFn::kSum, mask, axes), {});
  return emit_zip(builder, ZipFn::kDiv, sum, weight);
}

void require_scores(OnnxNode& node) {
  node.require_arity(2, 3);
  node.require_type("scores", node.input(0), DType::kFloat32);
  node.require(node.shape(0).size() >= 2, "scores have shape " + shape_text(node.shape(0)),
               "[N, C, ...]");
}

}  // namespace

void rewrite_negative_log_likelihood(OnnxNode& node) {
  require_scores(node);
  node.result(loss(node, node.input(0)));
}

// The second output is the LogSoftmax over the classes.
void rewrite_softmax_cross_entropy(OnnxNode& node) {
  require_scores(node);
  const ValueId logs = emit_log_softmax(node.builder(), node.input(0), {1});
  node.result(loss(node, logs));
  if (node.is_used(1)) node.result(logs, 1);
}

}  // namespace systole::compiler
