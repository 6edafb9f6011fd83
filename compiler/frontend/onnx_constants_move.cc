// Constant operators that pick and place elements. They move whole elements whatever their type, so
// they work on offsets and copy bytes.
#include <algorithm>
#include <cstring>
#include <limits>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_constants.h"

namespace systole::compiler {
namespace {

// y[i] = x[from(i)], in runs of `run` elements.
template <typename From>
void copy_runs(const Tensor& x, Tensor& y, std::int64_t run, From from) {
  const auto bytes = static_cast<std::size_t>(run * dtype_bytes(x.type));
  if (bytes == 0) return;
  std::uint8_t* to = y.data.data();
  for (std::int64_t i = 0; i < y.count() / run; ++i, to += bytes)
    std::memcpy(to, x.data.data() + static_cast<std::size_t>(from(i)) * bytes, bytes);
}

// An index along a dimension; negative ones count from its end.
std::int64_t index_in(const OnnxNode& node, std::int64_t index, std::int64_t extent) {
  node.require(index >= -extent && index < extent,
               fmt::format("index {} of a dimension of {}", index, extent), "one inside");
  return index < 0 ? index + extent : index;
}

std::vector<std::int64_t> index_list(OnnxNode& node, int input) {
  const Tensor& t = node.constant(input, "indices");
  node.require(t.type == DType::kInt64 || t.type == DType::kInt32,
               fmt::format("indices are {}", dtype_name(t.type)), "int32 or int64");
  if (t.type == DType::kInt64) return {t.as<std::int64_t>().begin(), t.as<std::int64_t>().end()};
  return {t.as<std::int32_t>().begin(), t.as<std::int32_t>().end()};
}

std::size_t axis_of(OnnxNode& node, std::int64_t otherwise, std::size_t rank) {
  return static_cast<std::size_t>(node.axis(node.int_or("axis", otherwise), rank));
}

// One dimension of a Slice: `count` elements from `first` on, `step` apart.
struct Cut {
  std::int64_t first = 0, step = 1, count = 0;
};

Cut cut_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
  const std::int64_t low = step > 0 ? 0 : -1;  // of an end; starts are inside
  const std::int64_t high = step > 0 ? extent : extent - 1;
  const auto place = [&](std::int64_t at, std::int64_t least) {
    if (at < 0) at += extent;
    return std::clamp(at, least, high);
  };
  const std::int64_t first = place(start, 0 > high ? high : 0);
  const std::int64_t last = place(end, std::min(low, high));
  const std::int64_t way = step > 0 ? last - first : first - last;
  const auto pace =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  if (way <= 0) return {0, step, 0};
  return {first, step, static_cast<std::int64_t>((static_cast<std::uint64_t>(way) - 1) / pace) + 1};
}

// The dimensions of x cut; elements are walked one by one, runs are those of uncut last dimensions.
Tensor slice(OnnxNode& node, const Tensor& x, const std::vector<Cut>& cuts) {
  Shape shape;
  for (const Cut& cut : cuts) shape.push_back(cut.count);
  Tensor y = new_constant(node, x.type, shape);
  std::size_t inner = shape.size();
  while (inner > 0 && cuts[inner - 1].step == 1 && cuts[inner - 1].count == x.shape[inner - 1])
    --inner;
  const std::int64_t run = extent(shape, inner, shape.size());
  copy_runs(x, y, run, [&](std::int64_t i) {
    std::int64_t from = 0;
    std::int64_t stride = 1;
    for (std::size_t axis = inner; axis-- > 0; i /= shape[axis]) {
      from += (cuts[axis].first + i % shape[axis] * cuts[axis].step) * stride;
      stride *= x.shape[axis];
    }
    return from;
  });
  return y;
}

std::vector<std::int64_t> split_lengths(OnnxNode& node, std::int64_t extent, std::int64_t outputs) {
  const auto given = attribute_or_input(node, "split", 1, 13);
  if (given) return *given;
  if (node.opset() >= 18) {
    node.require(node.int_or("num_outputs", outputs) == outputs, "num_outputs differs",
                 fmt::format("{} outputs", outputs));
  } else {
    node.require(extent % outputs == 0, fmt::format("{} elements in {} parts", extent, outputs),
                 "equal parts");
  }
  const std::int64_t part = (extent + outputs - 1) / outputs;
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(outputs), part);
  lengths.back() = extent - part * (outputs - 1);
  return lengths;
}

// The bytes of one element are added to or replace those of another.
template <typename Place>
void scatter(OnnxNode& node, Tensor& y, const Tensor& updates, Place place) {
  const std::string how = node.opset() >= 16 ? node.string_or("reduction", "none") : "none";
  const bool known = how == "none" || how == "add" || how == "mul" || how == "max" || how == "min";
  node.require(known, "reduction is '" + how + "'", "none, add, mul, max or min");
  with_type(y.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < updates.as<T>().size(); ++i) {
      T& to = y.as<T>()[static_cast<std::size_t>(place(static_cast<std::int64_t>(i)))];
      const T v = updates.as<T>()[i];
      if (how == "none") to = v;
      if (how == "add") to = wrapped(to, v, std::plus<>());
      if (how == "mul") to = wrapped(to, v, std::multiplies<>());
      if (how == "max") to = std::max(to, v);
      if (how == "min") to = std::min(to, v);
    }
  });
}

// Offset in `shape` of element i of `part`, an index along `axis` taken from `indices`.
std::int64_t element_offset(const OnnxNode& node, const Shape& shape, const Shape& part,
                            std::size_t axis, std::int64_t i, std::int64_t index) {
  std::int64_t from = 0;
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0; i /= part[d]) {
    from += (d == axis ? index_in(node, index, shape[d]) : i % part[d]) * stride;
    stride *= shape[d];
  }
  return from;
}

// Indices of the two operators that walk over elements: one for each, inside the data's dimensions.
void require_element_indices(OnnxNode& node, const Shape& shape, const Shape& indices,
                             std::size_t axis) {
  bool fits = shape.size() == indices.size();
  for (std::size_t d = 0; fits && d < shape.size(); ++d) fits = d == axis || indices[d] <= shape[d];
  node.require(fits, fmt::format("indices {} of {}", shape_text(indices), shape_text(shape)),
               "as many dimensions, none longer");
}

// Offset of the slice of `shape` that one row of `indices` names, in slices.
std::int64_t slice_offset(const OnnxNode& node, const Shape& shape, std::size_t first,
                          std::span<const std::int64_t> row) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < row.size(); ++d)
    at = at * shape[first + d] + index_in(node, row[d], shape[first + d]);
  return at;
}

}  // namespace

void fold_gather(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = node.shape(0);
  const std::size_t axis = axis_of(node, 0, shape.size());
  const std::vector<std::int64_t> indices = index_list(node, 1);
  Shape result(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Shape places = node.shape(1);
  result.insert(result.end(), places.begin(), places.end());
  result.insert(result.end(), shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end());
  Tensor y = new_constant(node, node.builder().value(node.input(0)).type, result);
  const auto count = std::ssize(indices);
  copy_runs(node.constant(0, "the data"), y, extent(shape, axis + 1, shape.size()),
            [&](std::int64_t i) {
              const std::int64_t index = indices[static_cast<std::size_t>(i % count)];
              return i / count * shape[axis] + index_in(node, index, shape[axis]);
            });
  give_constant(node, std::move(y));
}

void fold_gather_elements(OnnxNode& node) {
  node.require_arity(2, 2);
  const Tensor& x = node.constant(0, "the data");
  const Shape part = node.shape(1);
  const std::size_t axis = axis_of(node, 0, x.shape.size());
  require_element_indices(node, x.shape, part, axis);
  const std::vector<std::int64_t> indices = index_list(node, 1);
  Tensor y = new_constant(node, x.type, part);
  copy_runs(x, y, 1, [&](std::int64_t i) {
    return element_offset(node, x.shape, part, axis, i, indices[static_cast<std::size_t>(i)]);
  });
  give_constant(node, std::move(y));
}

void fold_gather_nd(OnnxNode& node) {
  node.require_arity(2, 2);
  const Tensor& x = node.constant(0, "the data");
  const Shape part = node.shape(1);
  const auto batch =
      static_cast<std::size_t>(node.opset() >= 12 ? node.int_or("batch_dims", 0) : 0);
  const bool ranks = !part.empty() && batch < part.size() && part.back() >= 0 &&
                     batch + static_cast<std::size_t>(part.back()) <= x.shape.size();
  node.require(ranks && std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(batch),
                                   x.shape.begin()),
               fmt::format("indices {} of {}", shape_text(part), shape_text(x.shape)),
               "no more indices than dimensions, and the same batch dimensions");
  const auto length = static_cast<std::size_t>(part.back());
  Shape result(part.begin(), part.end() - 1);
  result.insert(result.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(batch + length),
                x.shape.end());
  const std::vector<std::int64_t> indices = index_list(node, 1);
  const std::int64_t slices = extent(x.shape, batch, batch + length);
  const std::int64_t rows = extent(part, batch, part.size() - 1);
  Tensor y = new_constant(node, x.type, result);
  copy_runs(x, y, extent(x.shape, batch + length, x.shape.size()), [&](std::int64_t i) {
    const std::span row(indices.data() + static_cast<std::size_t>(i) * length, length);
    return i / rows * slices + slice_offset(node, x.shape, batch, row);
  });
  give_constant(node, std::move(y));
}

void fold_scatter_elements(OnnxNode& node) {
  node.require_arity(3, 3);
  Tensor y = node.constant(0, "the data");
  const Shape part = node.shape(1);
  const std::size_t axis = axis_of(node, 0, y.shape.size());
  require_element_indices(node, y.shape, part, axis);
  const std::vector<std::int64_t> indices = index_list(node, 1);
  node.require_type("updates", node.input(2), y.type);
  node.require(node.shape(2) == part, "updates have shape " + shape_text(node.shape(2)),
               shape_text(part));
  const Shape shape = y.shape;
  scatter(node, y, node.constant(2, "updates"), [&](std::int64_t i) {
    return element_offset(node, shape, part, axis, i, indices[static_cast<std::size_t>(i)]);
  });
  give_constant(node, std::move(y));
}

void fold_scatter_nd(OnnxNode& node) {
  node.require_arity(3, 3);
  Tensor y = node.constant(0, "the data");
  const Shape part = node.shape(1);
  const bool ranks = !part.empty() && part.back() <= std::ssize(y.shape);
  node.require(ranks, fmt::format("indices {} of {}", shape_text(part), shape_text(y.shape)),
               "no more indices than dimensions");
  const auto length = static_cast<std::size_t>(part.back());
  const std::vector<std::int64_t> indices = index_list(node, 1);
  const std::int64_t run = extent(y.shape, length, y.shape.size());
  Shape expected(part.begin(), part.end() - 1);
  expected.insert(expected.end(), y.shape.begin() + static_cast<std::ptrdiff_t>(length),
                  y.shape.end());
  node.require_type("updates", node.input(2), y.type);
  node.require(node.shape(2) == expected, "updates have shape " + shape_text(node.shape(2)),
               shape_text(expected));
  const Shape shape = y.shape;
  scatter(node, y, node.constant(2, "updates"), [&](std::int64_t i) {
    const std::span row(indices.data() + static_cast<std::size_t>(i / run) * length, length);
    return slice_offset(node, shape, 0, row) * run + i % run;
  });
  give_constant(node, std::move(y));
}

// Before opset 10 starts, ends and axes are attributes, and there are no steps.
void fold_slice(OnnxNode& node) {
  const bool inputs = node.opset() >= 10;
  node.require_arity(inputs ? 3 : 1, inputs ? 5 : 1);
  const Tensor& x = node.constant(0, "the data");
  const auto list = [&](const std::string& name, int input) {
    return attribute_or_input(node, name, input, 10);
  };
  const auto starts = list("starts", 1);
  const auto ends = list("ends", 2);
  const auto axes = list("axes", 3);
  const auto steps = inputs ? list("steps", 4) : std::nullopt;
  node.require(starts && ends, "starts or ends are absent", "two lists");
  const std::size_t count = starts->size();
  const bool same = ends->size() == count && (!axes || axes->size() == count) &&
                    (!steps || steps->size() == count) && (axes || count <= x.shape.size());
  node.require(same, fmt::format("{} starts and {} ends", count, ends->size()),
               "lists of one length");
  std::vector<Cut> cuts;
  for (const std::int64_t d : x.shape) cuts.push_back({0, 1, d});
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t step = steps ? (*steps)[i] : 1;
    const std::int64_t given = axes ? (*axes)[i] : static_cast<std::int64_t>(i);
    const auto axis = static_cast<std::size_t>(node.axis(given, x.shape.size()));
    node.require(step != 0, "a step is 0", "another step");
    cuts[axis] = cut_of((*starts)[i], (*ends)[i], step, x.shape[axis]);
  }
  give_constant(node, slice(node, x, cuts));
}

void fold_split(OnnxNode& node) {
  node.require_arity(1, node.opset() >= 13 ? 2 : 1);
  const Tensor x = node.constant(0, "the input");  // a copy: each part adds a constant
  const std::size_t axis = axis_of(node, 0, x.shape.size());
  const std::vector<std::int64_t> lengths = split_lengths(node, x.shape[axis], node.output_count());
  bool fits = std::ssize(lengths) == node.output_count();
  std::int64_t left = x.shape[axis];
  for (const std::int64_t length : lengths) {
    fits = fits && length >= 0 && length <= left;
    left -= fits ? length : 0;
  }
  node.require(fits && left == 0,
               fmt::format("parts {} of {} elements", shape_text(lengths), x.shape[axis]),
               "one for each output, in all as many");
  std::vector<Cut> cuts;
  for (const std::int64_t d : x.shape) cuts.push_back({0, 1, d});
  cuts[axis].count = 0;
  for (int i = 0; i < node.output_count(); ++i) {
    cuts[axis].first += cuts[axis].count;
    cuts[axis].count = lengths[static_cast<std::size_t>(i)];
    give_constant(node, slice(node, x, cuts), i);
  }
}

void fold_expand(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape wanted = integers(node, 1, "shape");
  const Tensor& x = node.constant(0, "the input");
  const std::optional<Shape> shape = broadcast(x.shape, wanted);
  node.require(shape.has_value(), fmt::format("{} to {}", shape_text(x.shape), shape_text(wanted)),
               "shapes that broadcast");
  Tensor y = new_constant(node, x.type, *shape);
  BroadcastWalk walk(*shape, {x.shape});
  copy_runs(x, y, 1, [&](std::int64_t) {
    const auto at = static_cast<std::int64_t>(walk.at(0));
    walk.next();
    return at;
  });
  give_constant(node, std::move(y));
}

void fold_tile(OnnxNode& node) {
  node.require_arity(2, 2);
  const std::vector<std::int64_t> repeats = integers(node, 1, "repeats");
  const Tensor& x = node.constant(0, "the input");
  Shape shape = x.shape;
  bool fits = repeats.size() == shape.size();
  for (std::size_t d = 0; fits && d < shape.size(); ++d) {
    fits = repeats[d] >= 0 && repeats[d] < (std::int64_t{1} << 40) &&
           shape[d] < (std::int64_t{1} << 22);
    shape[d] *= fits ? repeats[d] : 1;
  }
  node.require(fits, fmt::format("repeats {} of {}", shape_text(repeats), shape_text(x.shape)),
               "one for each dimension, of a size that can be held");
  Tensor y = new_constant(node, x.type, shape);
  copy_runs(x, y, 1, [&](std::int64_t i) {
    std::int64_t from = 0;
    std::int64_t stride = 1;
    for (std::size_t d = shape.size(); d-- > 0; i /= shape[d]) {
      from += i % shape[d] % x.shape[d] * stride;
      stride *= x.shape[d];
    }
    return from;
  });
  give_constant(node, std::move(y));
}

}  // namespace systole::compiler
