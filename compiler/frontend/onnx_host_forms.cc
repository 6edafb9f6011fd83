// See onnx_host_forms.h.
#include "compiler/frontend/onnx_host_forms.h"

#include <array>

namespace systole::compiler {
namespace {

Tensor number(std::int64_t value) {
  return make_tensor<std::int64_t>({}, std::span<const std::int64_t>(&value, 1));
}
// Of the indices' type where that is int32: ONNX Runtime has OneHot for equal ones only.
Tensor depth_of(const Graph& graph, ValueId indices, std::int64_t depth) {
  if (graph.value(indices).type != DType::kInt32) return number(depth);
  const auto narrow = static_cast<std::int32_t>(depth);
  return make_tensor<std::int32_t>({}, std::span<const std::int32_t>(&narrow, 1));
}
Tensor list_of_one(std::int64_t value) {
  return make_tensor<std::int64_t>({1}, std::span<const std::int64_t>(&value, 1));
}
Tensor real(float value) { return make_tensor<float>({}, std::span<const float>(&value, 1)); }

// Of one place an ArgMax or ArgMin, which can take the last of equals.
HostForm top_k(const Node& node, const HostAttrs& a, std::int64_t k) {
  if (k != 1) {
    return {"TopK",
            {node.inputs[0], list_of_one(k)},
            {{"axis", a.numbers[0]}, {"largest", a.numbers[1]}},
            "",
            1};
  }
  return {a.numbers[1] == 1 ? "ArgMax" : "ArgMin",
          {node.inputs[0]},
          {{"axis", a.numbers[0]}, {"select_last_index", a.numbers[2]}}};
}

HostForm unique(const Node& node, const HostAttrs& a) {
  HostForm form{"Unique", {node.inputs[0]}, {{"sorted", a.numbers[1]}}};
  form.slot = static_cast<int>(a.numbers[2]);
  if (a.numbers[0] >= 0) form.ints.emplace_back("axis", a.numbers[0]);
  return form;
}

HostForm non_max_suppression(const Node& node, const HostAttrs& a) {
  return {
      "NonMaxSuppression",
      {node.inputs[0], node.inputs[1], number(a.numbers[1]), real(a.reals[0]), real(a.reals[1])},
      {{"center_point_box", a.numbers[0]}}};
}

std::string reduction_of(std::int64_t number) {
  constexpr std::array<const char*, 5> kReductions = {"", "add", "mul", "max", "min"};
  return kReductions.at(static_cast<std::size_t>(number));
}

}  // namespace

HostForm host_form(const Graph& graph, const Node& node) {
  const auto& a = std::get<HostAttrs>(node.attrs);
  const std::vector<HostForm::Input> all(node.inputs.begin(), node.inputs.end());
  const auto extent = [&] {
    return graph.value(node.outputs[0]).shape.at(static_cast<std::size_t>(a.numbers[0]));
  };
  switch (a.fn) {
    case HostFn::kTopK:
      return top_k(node, a, extent());
    case HostFn::kGather:
      return {"Gather", all, {{"axis", a.numbers[0]}}};
    case HostFn::kGatherElements:
      return {"GatherElements", all, {{"axis", a.numbers[0]}}};
    case HostFn::kGatherNd:
      return {"GatherND", all, {{"batch_dims", a.numbers[0]}}};
    case HostFn::kScatterElements:
      return {"ScatterElements", all, {{"axis", a.numbers[0]}}, reduction_of(a.numbers[1])};
    case HostFn::kScatterNd:
      return {"ScatterND", all, {}, reduction_of(a.numbers[0])};
    case HostFn::kOneHot:
      return {"OneHot",
              {all[0], depth_of(graph, node.inputs[0], extent()), all[1]},
              {{"axis", a.numbers[0]}}};
    case HostFn::kCumSum:
      return {"CumSum",
              {all[0], number(a.numbers[0])},
              {{"exclusive", a.numbers[1]}, {"reverse", a.numbers[2]}}};
    case HostFn::kDet:
      return {"Det", all};
    case HostFn::kReverseSequence:
      return {"ReverseSequence", all, {{"batch_axis", a.numbers[0]}, {"time_axis", a.numbers[1]}}};
    case HostFn::kNonZero:
      return {"NonZero", all};
    case HostFn::kUnique:
      return unique(node, a);
    case HostFn::kNonMaxSuppression:
      return non_max_suppression(node, a);
    case HostFn::kMatmulInteger:
      return {"MatMulInteger", all};
  }
  SYSTOLE_CHECK(false, "host function {}", static_cast<int>(a.fn));
}

}  // namespace systole::compiler
