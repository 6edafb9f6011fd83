// The model's inputs. A dimension is open if it has no value, 0 or -1. A leading one takes the
// batch, and so does every dimension that has the first such one's name; others take --dim NAME=N
// or
// --shape. Where no leading dimension is open, the first input's gives way to --batch, on every
// input that has the same one; shapes that the model gives follow (onnx_ops_shape.cc). Whatever
// else an input has, or a scalar, is just a shape.
#include "compiler/frontend/onnx_inputs.h"

#include <algorithm>

#include "compiler/ir/batch.h"
#include "compiler/ir/elements.h"

namespace systole::compiler {
namespace {

using Dimension = onnx::TensorShapeProto_Dimension;

constexpr const char* kZero =
    "0, which is taken as open, since tensors without elements are not computed";

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
    check_binds();
    for (const onnx::ValueInfoProto& input : import.file.model.graph().input()) {
      const auto& dims = input.type().tensor_type().shape().dim();
      if (import.initialisers.contains(input.name()) || dims.empty()) continue;
      if (!leading_) leading_ = &dims[0];
      const bool open = fixed_value(dims[0]) == 0;
      if (open && !open_) open_ = &dims[0];
    }
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

  // What --bind says of the input, if it does.
  [[nodiscard]] std::optional<Tensor> bound(const std::string& name, DType type,
                                            const Shape& shape) const {
    const auto found = options_.binds.find(name);
    if (found == options_.binds.end()) return std::nullopt;
    const std::vector<double>& values = found->second;
    const std::int64_t count = element_count(shape);
    Tensor all(DType::kFloat64, shape);
    if (values.size() != 1 && std::ssize(values) != count) {
      throw InputError("--bind " + name, fmt::format("{} values", values.size()),
                       fmt::format("one, or {} for shape {}", count, shape_text(shape)));
    }
    for (std::size_t i = 0; i < all.as<double>().size(); ++i)
      all.as<double>()[i] = values[values.size() == 1 ? 0 : i];
    Tensor made = evaluate_cast(all, type);
    const bool exact =
        type == DType::kFloat32 || evaluate_cast(made, DType::kFloat64).data == all.data;
    if (exact) return made;
    throw InputError("--bind " + name, "a value that its type does not have",
                     fmt::format("values of {}", dtype_name(type)));
  }

  // Whether an input has a dimension for the batch.
  [[nodiscard]] bool has_rows() const { return leading_ != nullptr || !options_.shapes.empty(); }

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

  void check_binds() const {
    std::vector<std::string> inputs;
    for (const onnx::ValueInfoProto& input : import_.file.model.graph().input()) {
      if (!import_.initialisers.contains(input.name())) inputs.push_back(input.name());
    }
    for (const auto& [name, values] : options_.binds) check_known("input", name, inputs);
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
    if (fixed > 0)
      return axis == 0 ? fixed_leading(input, fixed, wanted) : same(input, axis, fixed, wanted);
    const auto named = options_.dims.find(dim.dim_param());
    if (named != options_.dims.end()) wanted = same(input, axis, named->second, wanted);
    const bool has_name = !dim.dim_param().empty();
    const bool is_batch = has_name && open_ != nullptr && dim.dim_param() == open_->dim_param();
    const bool other_name = has_name && !is_batch && wanted > 0;  // said to be something else
    if (options_.batch && (is_batch || (axis == 0 && !other_name)))
      return same(input, axis, *options_.batch, wanted);
    if (wanted == 0 && (axis == 0 || is_batch)) wanted = 1;
    if (wanted > 0) return wanted;
    const std::string give = has_name ? fmt::format("--dim {}=N", dim.dim_param())
                                      : fmt::format("--shape {}=...", input.name());
    const bool is_zero = dim.has_dim_value() && dim.dim_value() == 0;
    throw InputError(where_of(import_.file, input),
                     fmt::format("dimension {} is {}", axis, is_zero ? kZero : "open"), give);
  }

  [[nodiscard]] std::int64_t same(const onnx::ValueInfoProto& input, int axis, std::int64_t value,
                                  std::int64_t wanted) const {
    if (wanted == 0 || wanted == value) return value;
    throw InputError(where_of(import_.file, input), fmt::format("dimension {} = {}", axis, wanted),
                     fmt::format("{}", value));
  }

  // Where none is open, the first input's is the batch.
  std::int64_t fixed_leading(const onnx::ValueInfoProto& input, std::int64_t fixed,
                             std::int64_t wanted) {
    if (open_ != nullptr || fixed != fixed_value(*leading_)) return same(input, 0, fixed, wanted);
    if (wanted == 0) wanted = options_.batch.value_or(fixed);
    if (!import_.batch) import_.batch = BatchChange{fixed, wanted};
    return import_.batch->to;
  }

  OnnxImport& import_;
  const LoadOptions& options_;
  const Dimension* leading_ = nullptr;  // of the first input that has one
  const Dimension* open_ = nullptr;     // the first open leading one: the batch's
};

}  // namespace

void add_inputs(OnnxImport& import, const LoadOptions& options) {
  InputShapes shapes(import, options);
  if (options.batch && !shapes.has_rows()) {
    import.notes.push_back(fmt::format("{}: batch {} changes nothing, as no input has a dimension",
                                       import.file.path, *options.batch));
  }
  for (const onnx::ValueInfoProto& input : import.file.model.graph().input()) {
    if (import.initialisers.contains(input.name())) continue;  // an initialiser with a default role
    const std::string where = where_of(import.file, input);
    const DType type = graph_type(tensor_type(import.file, input).elem_type(), where);
    Shape shape = shapes.resolve(input);
    static_cast<void>(element_count(shape, where));
    if (std::optional<Tensor> constant = shapes.bound(input.name(), type, shape)) {
      import.values[input.name()] = import.builder.add_constant(input.name(), std::move(*constant));
      continue;
    }
    import.values[input.name()] = import.builder.add_input(input.name(), type, std::move(shape));
  }
}

InputError forbidden_batch(const OnnxImport& import, const std::string& node,
                           const std::string& what) {
  return InputError(fmt::format("{}: node '{}'", import.file.path, node),
                    fmt::format("forbids batch {}: {}", import.batch->to, what),
                    fmt::format("batch {} as in the file (no --batch)", import.batch->from));
}

// Of one row it cannot be seen, but then no other row is there to mix with.
void check_batch(const OnnxImport& import, const Graph& graph) {
  if (!import.batch || import.batch->from == import.batch->to) return;
  const Batch batch = batch_of(graph);
  if (batch.mixer) throw forbidden_batch(import, batch.mixer->node, batch.mixer->how);
}

}  // namespace systole::compiler
