// Load: from a MODEL argument (ONNX file, ONNX text, inline shape, SCALE-Sim topology, network) to
// a Graph.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/frontend/load_options.h"
#include "compiler/ir/graph.h"

namespace systole::compiler {

struct OnnxFile;  // onnx_file.h

// `model` is a path (ONNX, binary or text, or a SCALE-Sim topology; isa/file_kind.h tells) or
// gemm:M,K,N or mlp:D0,D1,... (inline shapes have seeded int8 weights and take their batch from M
// or options.batch). A topology's graph has its structure only. Throws InputError: missing, not
// ONNX, truncated, short initialiser, unknown operator ...
[[nodiscard]] Graph load_model(const std::string& model, const LoadOptions& options);

// A known network (networks.h) as the bytes of an ONNX file with an open batch. Throws InputError
// for unknown names.
[[nodiscard]] std::vector<std::uint8_t> network_model(const std::string& name);

// The ONNX file of that path, or a network by its name where there is no file of that name. Throws
// InputError as read_onnx does, and for inline shapes and topologies.
[[nodiscard]] OnnxFile open_onnx(const std::string& model);

// load_model of an ONNX file's bytes; messages call it `name`.
[[nodiscard]] Graph load_onnx(const std::string& name, std::span<const std::uint8_t> bytes,
                              const LoadOptions& options);

}  // namespace systole::compiler
