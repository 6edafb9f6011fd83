// The table of ONNX operators (onnx_ops.def): versions and rewrite of each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

struct OnnxOperator {
  std::string_view domain;  // empty: ONNX's own
  std::string_view name;
  std::int64_t first, newest;
  void (*rewrite)(OnnxNode& node);
  std::string_view accepts;
  std::string_view example;  // ONNX text, see onnx_examples.h
};

[[nodiscard]] std::span<const OnnxOperator> onnx_operators();
// The row that rewrites a node, or null.
[[nodiscard]] const OnnxOperator* find_onnx_operator(const onnx::NodeProto& node);

#define SYSTOLE_ONNX_OP(name, first, newest, rewrite, text, example) void rewrite(OnnxNode& node);
#define SYSTOLE_MICROSOFT_OP(name, rewrite, text, example) void rewrite(OnnxNode& node);
// Of the rows of ir/onnx_maps.def.
template <MapFn fn>
void rewrite_map(OnnxNode& node);
#include "compiler/frontend/onnx_ops.def"

}  // namespace systole::compiler
