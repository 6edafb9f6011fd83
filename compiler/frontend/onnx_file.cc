// ONNX files: libonnx parses protobuf and text, we decide what is accepted.
//
// The text parser recurses once per bracket and reads zero-terminated strings, so both are bounded
// before it sees the text; protobuf has its own recursion limit.
#include "compiler/frontend/onnx_file.h"

#include <onnx/checker.h>
#include <onnx/defs/parser.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "base/fnv.h"
#include "base/read_file.h"
#include "compiler/frontend/onnx_functions.h"
#include "isa/file_kind.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxFileBytes = (std::int64_t{1} << 31) - 1;  // protobuf's own limit
constexpr int kMaxNesting = 64;

void check_text(const std::string& path, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    throw InputError(path, "contains a zero byte", "ONNX text");
  }
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '{' || c == '[' || c == '<') ++depth;
    if (c == ')' || c == '}' || c == ']' || c == '>') depth = std::max(depth - 1, 0);
    if (depth > kMaxNesting) {
      throw InputError(path, "brackets are nested too deeply",
                       fmt::format("{} levels", kMaxNesting));
    }
  }
}

void parse_text(const std::string& path, const std::string& text, onnx::ModelProto& model) {
  check_text(path, text);
  std::string problem;
  onnx::OnnxParser parser(text.c_str());
  try {
    const auto status = parser.Parse(model);
    if (!status.IsOK()) problem = status.ErrorMessage();
  } catch (const std::exception& e) {  // std::stoll and std::stof on a malformed number
    problem = fmt::format("a malformed number before {} ({})", parser.GetCurrentPos(), e.what());
  }
  if (!problem.empty()) {
    throw InputError(path, "is not an ONNX text model: " + problem, "ONNX text");
  }
}

[[noreturn]] void fail_binary(const std::string& path, const char* found) {
  throw InputError(path, found, "a whole ONNX file, or ONNX text, which begins with '<'");
}

void parse_binary(const std::string& path, std::span<const std::uint8_t> bytes,
                  onnx::ModelProto& model) {
  if (bytes.empty()) fail_binary(path, "is empty");
  const bool parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed || !model.has_graph()) fail_binary(path, "is not an ONNX model or is cut short");
}

// No protobuf and no text starts with a zero byte; a file of zeros need not be read whole for that.
std::optional<std::int64_t> check_start(const std::string& path,
                                        std::span<const std::uint8_t> head) {
  if (!head.empty() && head[0] == 0) fail_binary(path, "is not an ONNX model");
  return std::nullopt;
}

void check_version(const std::string& path, std::string_view what, std::int64_t found,
                   std::int64_t oldest, std::int64_t newest) {
  if (found >= oldest && found <= newest) return;
  throw InputError(path, fmt::format("{} {}", what, found),
                   fmt::format("{} to {}", oldest, newest));
}

std::int64_t default_opset(const std::string& path, const onnx::ModelProto& model) {
  std::optional<std::int64_t> version;
  for (const onnx::OperatorSetIdProto& set : model.opset_import()) {
    if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
    if (version && *version != set.version()) {
      throw InputError(path, "imports two versions of the ONNX operators", "one");
    }
    version = set.version();
  }
  if (!version) throw InputError(path, "imports no ONNX operators", "opset_import of domain ''");
  return *version;
}

void check_parts(const std::string& path, const onnx::ModelProto& model) {
  if (model.graph().sparse_initializer_size() > 0) {
    throw InputError(path, "has sparse initialisers", "dense ones");
  }
}

}  // namespace

OnnxFile onnx_file(const std::string& path, onnx::ModelProto model) {
  OnnxFile file;
  file.path = path;
  file.model = std::move(model);
  check_version(path, "ONNX IR version", file.model.ir_version(), kOldestIr, kNewestIr);
  file.opset = default_opset(path, file.model);
  check_version(path, "ONNX opset", file.opset, kOldestOpset, kNewestOpset);
  check_parts(path, file.model);
  inline_functions(path, file.model);
  return file;
}

OnnxFile parse_onnx(const std::string& path, std::span<const std::uint8_t> bytes) {
  onnx::ModelProto model;
  if (isa::file_kind(bytes, path) == isa::FileKind::kOnnxText) {
    parse_text(path, std::string(bytes.begin(), bytes.end()), model);
  } else {
    parse_binary(path, bytes, model);
  }
  OnnxFile file = onnx_file(path, std::move(model));
  file.hash = fnv1a(bytes);
  return file;
}

OnnxFile read_onnx(const std::string& path) {
  return parse_onnx(
      path, read_file(path, kMaxFileBytes, [&](auto head) { return check_start(path, head); }));
}

void run_onnx_checker(const OnnxFile& file) {
  constexpr std::int64_t kCheckerIr = 8, kCheckerOpset = 17;
  if (file.model.ir_version() > kCheckerIr || file.opset > kCheckerOpset) return;
  for (const onnx::TensorProto& tensor : file.model.graph().initializer()) {
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL) return;
  }
  try {
    onnx::checker::check_model(file.model);
  } catch (const std::exception& e) {
    throw InputError(file.path, std::string("is refused by the ONNX checker: ") + e.what(),
                     "a model that onnx.checker takes");
  }
}

}  // namespace systole::compiler
