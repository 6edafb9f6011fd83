// Builder: walks a graph once, gives every value a place in device memory and every node its work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compare/targets/gpu/model.h"

namespace systole::compare::gpu {

// Where a value lies.
struct Placed {
  Memory memory;
  Element element = Element::kF32;
  bool channels_last = false;  // of four dimensions only
  Shape shape;                 // as the graph has it
  [[nodiscard]] std::int64_t count() const { return element_count(shape); }
};

// Device memory for values that do not live long: a block given back is the next value's.
class MemoryPool {
 public:
  explicit MemoryPool(Backend& backend);
  [[nodiscard]] Memory take(std::size_t bytes);

 private:
  struct Blocks;
  std::shared_ptr<Blocks> blocks_;
};

class Builder {
 public:
  Builder(const compiler::Graph& graph, Math math, Backend& backend);

  // What remains of a graph.
  struct Result {
    std::vector<Step> steps;
    std::vector<Memory> constants;
    Placed input, output;  // in the graph's own types and order
  };
  [[nodiscard]] Result build();

 private:
  // One node each (elementwise in builder.cc, products in builder_products.cc).
  void add(std::size_t& index);
  void add_map(const compiler::Node& node);
  void add_zip(const compiler::Node& node);
  void add_table(const compiler::Node& node);
  void add_reduce(const compiler::Node& node);
  void add_move(const compiler::Node& node);
  void reshape(const compiler::Node& node);
  void transpose(const compiler::Node& node, const compiler::MoveAttrs& attrs);
  void add_pool(const compiler::Node& node);
  void add_quantiser(const compiler::Node& node);
  void add_float_matmul(const compiler::Node& node, bool relu);
  void add_integer_matmul(const compiler::Node& node);
  void add_float_conv(const compiler::Node& node, bool relu);
  void add_integer_conv(const compiler::Node& node);

  // Sums [rows, filters] of s8 rows [rows, k] and filters [filters, k], then bias and requantise.
  struct IntegerProduct {
    Placed rows;                       // shape [rows, columns]
    std::vector<std::int8_t> filters;  // [n, k]
    std::int64_t n = 0, k = 0;
    const compiler::ProductQuants* quants = nullptr;
    float alpha = 1.0F;
    const Tensor* bias = nullptr;
    bool channels_last = false;  // of the result
  };
  void add_integer_product(const compiler::Node& node, const IntegerProduct& product);
  [[nodiscard]] Placed patches(const compiler::Node& node, const Patches& work);

  // Adds a step; its launch is made at once.
  void push(const compiler::Node& node, const Work& work);
  [[nodiscard]] const compiler::Node* fusable_relu(std::size_t index) const;

  [[nodiscard]] Element element_of(DType type, const std::string& where) const;
  [[nodiscard]] Placed place(Element element, Shape shape, bool channels_last = false);
  [[nodiscard]] Placed& placed(compiler::ValueId id) {
    return places_[static_cast<std::size_t>(id)];
  }
  void set(compiler::ValueId id, Placed placed) { this->placed(id) = std::move(placed); }
  // A computed or constant value as it lies, and in the order asked for.
  [[nodiscard]] Placed read(const compiler::Node& node, std::size_t input);
  [[nodiscard]] Placed arranged(const compiler::Node& node, const Placed& value,
                                bool channels_last);
  [[nodiscard]] Placed converted(const compiler::Node& node, const Placed& value, Element to,
                                 bool channels_last);
  [[nodiscard]] const Tensor& constant(const compiler::Node& node, std::size_t input) const;
  // The node's bias, or null.
  [[nodiscard]] const Tensor* bias(const compiler::Node& node) const;

  template <typename T>
  [[nodiscard]] const T* upload(const std::vector<T>& values) {
    return static_cast<const T*>(upload_bytes(
        {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(T)}));
  }
  [[nodiscard]] ConstAddress upload_bytes(std::span<const std::uint8_t> bytes);
  // Floats as elements of a float product.
  [[nodiscard]] ConstAddress upload_floats(const std::vector<float>& values, Element element);
  void check_size(const std::string& where, std::int64_t count) const;

  const compiler::Graph& graph_;
  Math math_;
  Math float_math_;  // of float products: math_, or fp32 in an integer graph
  bool channels_last_;
  Backend& backend_;
  MemoryPool pool_;
  Result result_;
  std::vector<Placed> places_;  // by value
  std::vector<std::size_t> last_use_;
};

// The strides of a shape's dimensions where it lies, in elements.
[[nodiscard]] std::vector<std::int64_t> strides_of(const Shape& shape, bool channels_last);
// Right-aligned in `kMaxRank` dimensions.
[[nodiscard]] Extents extents(const std::vector<std::int64_t>& values, std::int64_t fill);
// The dimensions of a value in the order in which they lie in memory.
[[nodiscard]] std::vector<std::size_t> memory_order(std::size_t rank, bool channels_last);
template <typename T>
std::vector<T> picked(const std::vector<T>& values, const std::vector<std::size_t>& order) {
  std::vector<T> result;
  for (const std::size_t d : order) result.push_back(values[d]);
  return result;
}
// [n, c, h, w] as a picture.
[[nodiscard]] Picture picture(const Shape& shape, bool channels_last);
// Type limits, scale and zero point of a per-tensor quantisation.
[[nodiscard]] Steps steps_of(const compiler::Quant& quant, const compiler::Node& node);
// Throws InputError that names the node and its ONNX operator.
[[noreturn]] void refuse(const compiler::Node& node, const std::string& what,
                         const std::string& expected = {});

}  // namespace systole::compare::gpu
