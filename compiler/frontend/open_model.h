// Models by name: what a MODEL argument can be beside a file, and ONNX models that are no file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/frontend/load.h"

namespace systole::compiler {

struct OnnxFile;  // onnx_file.h

// The inline forms, each as it is written: "gemm:M,K,N".
[[nodiscard]] std::vector<std::string> inline_forms();

// Whether make_network knows the name (networks.h).
[[nodiscard]] bool is_network(const std::string& name);

// The ONNX file of that path, or a network by its name where there is no file of that name. Throws
// InputError as read_onnx does, and for inline shapes and topologies.
[[nodiscard]] OnnxFile open_onnx(const std::string& model);

// load_model of an ONNX file's bytes; messages call it `name`.
[[nodiscard]] Graph load_onnx(const std::string& name, std::span<const std::uint8_t> bytes,
                              const LoadOptions& options);

}  // namespace systole::compiler
