// The model's inputs. A dimension is open if it has no value, 0 or -1. The leading one takes the
// batch; others take --dim NAME=N or --shape. A fixed leading dimension gives way to --batch, on
// every input that has the same one; constant Reshape shapes follow (onnx_ops_shape.cc).
#include "compiler/frontend/onnx_inputs.h"

#include <algorithm>

namespace systole::compiler {
namespace {

using Dimension = onnx::TensorShapeProto_Dimension;

std::string where_of(const OnnxFile& file, const onnx::ValueInfoProto& input) {
  return fmt::format("{}: input '{}'", file.path, input.name());
}

// 0 if the dimension is open.
std::int64_t fixed_value(const Dimension& dim) {
  return dim.has_dim_value() ? std::max<std::int64_t>(dim.dim_value(), 0) : 0;
}

const onnx::TypeProto_Tensor& tensor_type(const OnnxFile& file, const onnx::ValueInfoProto& input) {
  if (!input.type().has_tensor_type()) {
    throw InputError(where_of(file, input), "is not a tensor", "a tensor");
  }
  return input.type().tensor_type();
}

class InputShapes {
 public:
  InputShapes(OnnxImport& import, const LoadOptions& options) : import_(import), options_(options) {
    if (options.batch && *options.batch < 1) {
      throw InputError(import.file.path, fmt::format("batch {}", *options.batch), "1 or more");
    }
    check_option_names();
  }

  Shape resolve(const onnx::ValueInfoProto& input) {
    const onnx::TypeProto_Tensor& type = tensor_type(import_.file, input);
    const auto given = options_.shapes.find(input.name());
    const bool has_given = given != options_.shapes.end();
    if (!type.has_shape()) {
      if (has_given) return given->second;
      throw InputError(where_of(import_.file, input), "has no shape",
                       fmt::format("--shape {}=...", input.name()));
    }
    const auto& dims = type.shape().dim();
    if (has_given && static_cast<int>(given->second.size()) != dims.size()) {
      throw InputError(where_of(import_.file, input),
                       fmt::format("--shape of {} dimensions", given->second.size()),
                       fmt::format("{}", dims.size()));
    }
    Shape shape;
    for (int i = 0; i < dims.size(); ++i) {
      const std::int64_t wanted = has_given ? given->second[static_cast<std::size_t>(i)] : 0;
      shape.push_back(dimension(input, dims[i], i, wanted));
    }
    return shape;
  }

 private:
  void check_option_names() const {
    std::vector<std::string> inputs;
    std::vector<std::string> dims;
    for (const onnx::ValueInfoProto& input : import_.file.model.graph().input()) {
      inputs.push_back(input.name());
      for (const Dimension& dim : input.type().tensor_type().shape().dim()) {
        if (!dim.dim_param().empty()) dims.push_back(dim.dim_param());
      }
    }
    for (const auto& [name, n] : options_.dims) check_known("dimension", name, dims);
    for (const auto& [name, shape] : options_.shapes) check_known("input", name, inputs);
    for (const auto& [name, n] : options_.dims) {
      if (n < 1) throw InputError("--dim " + name, fmt::format("{}", n), "1 or more");
    }
    for (const auto& [name, shape] : options_.shapes) {
      const bool positive = std::all_of(shape.begin(), shape.end(), [](auto d) { return d >= 1; });
      if (!positive)
        throw InputError("--shape " + name, shape_text(shape), "dimensions of 1 or more");
    }
  }

  void check_known(const std::string& what, const std::string& name,
                   const std::vector<std::string>& known) const {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    std::string list;
    for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
    throw InputError(import_.file.path, fmt::format("has no {} '{}'", what, name),
                     list.empty() ? fmt::format("none, there is no named {}", what) : list);
  }

  // `wanted` is --shape's, or 0.
  std::int64_t dimension(const onnx::ValueInfoProto& input, const Dimension& dim, int axis,
                         std::int64_t wanted) {
    const std::int64_t fixed = fixed_value(dim);
    if (fixed > 0) return axis == 0 ? fixed_batch(fixed, wanted) : same(input, axis, fixed, wanted);
    const auto named = options_.dims.find(dim.dim_param());
    if (wanted == 0 && named != options_.dims.end()) wanted = named->second;
    if (axis == 0 && options_.batch) {
      return same(input, axis, *options_.batch, wanted);
    }
    if (wanted == 0 && axis == 0) wanted = 1;
    if (wanted > 0) return wanted;
    const std::string give = dim.dim_param().empty() ? fmt::format("--shape {}=...", input.name())
                                                     : fmt::format("--dim {}=N", dim.dim_param());
    throw InputError(where_of(import_.file, input), fmt::format("dimension {} is open", axis),
                     give);
  }

  [[nodiscard]] std::int64_t same(const onnx::ValueInfoProto& input, int axis, std::int64_t value,
                                  std::int64_t wanted) const {
    if (wanted == 0 || wanted == value) return value;
    throw InputError(where_of(import_.file, input), fmt::format("dimension {} = {}", axis, wanted),
                     fmt::format("{}", value));
  }

  // A fixed leading dimension: the first one met is the batch.
  std::int64_t fixed_batch(std::int64_t fixed, std::int64_t wanted) {
    if (wanted == 0) wanted = options_.batch.value_or(fixed);
    if (!import_.batch) import_.batch = BatchChange{fixed, wanted};
    return fixed == import_.batch->from ? import_.batch->to : fixed;
  }

  OnnxImport& import_;
  const LoadOptions& options_;
};

}  // namespace

void add_inputs(OnnxImport& import, const LoadOptions& options) {
  InputShapes shapes(import, options);
  for (const onnx::ValueInfoProto& input : import.file.model.graph().input()) {
    if (import.initialisers.contains(input.name())) continue;  // an initialiser with a default role
    const std::string where = where_of(import.file, input);
    const DType type = graph_type(tensor_type(import.file, input).elem_type(), where);
    Shape shape = shapes.resolve(input);
    static_cast<void>(element_count(shape, where));
    import.values[input.name()] = import.builder.add_input(input.name(), type, std::move(shape));
  }
}

}  // namespace systole::compiler
