// OnednnBuilder: turns a graph into oneDNN primitives, node by node, in the graph's order.
//
// Every value has a memory, in whatever layout the primitive that made it chose; a primitive that
// wants another one gets a reorder, which is a step like any other and is timed. Shapes are ONNX's.
// Weights are brought into the layout their primitive asks for here, once. A map that follows a
// float product is fused into it; integer products carry bias, clip and requantisation.
#pragma once

#include <dnnl.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "compare/targets/cpu/cpu_onednn.h"
#include "compare/targets/cpu/exact_product.h"
#include "compare/targets/cpu/onednn_terms.h"
#include "compiler/ir/graph.h"

namespace systole::compare {

// One primitive, or one plain loop where oneDNN has none.
struct OnednnStep {
  std::string name, op, kernel;  // node, row of ops.def, oneDNN's name for the code
  bool device = true;  // false: host work in the simulator's sense (quantise, softmax ...)
  std::function<void(const dnnl::stream&)> run;
};

class OnednnBuilder {
 public:
  // The graph outlives this.
  OnednnBuilder(const compiler::Graph& graph, CpuOptions options);

  // Throws InputError naming the node that oneDNN cannot do as written.
  void build();

  // Does steps[i] and waits for it.
  void run(std::size_t i) const;
  // The same elements in another layout or type, now: for what no timed region holds.
  [[nodiscard]] dnnl::memory packed(const dnnl::memory& from, const dnnl::memory::desc& wanted);

  std::vector<OnednnStep> steps;
  // Memories to point at the caller's bytes before a run, by index of the graph's inputs; and where
  // each of its outputs is afterwards, row-major.
  std::vector<std::vector<dnnl::memory>> input_views;
  std::vector<dnnl::memory> outputs;
  // Where the last product's result is, and which value it is.
  dnnl::memory last_product;
  compiler::ValueId last_product_value = compiler::kNoValue;
  std::set<std::string> precisions;  // of the products
  std::set<std::string> libraries;   // whose code the steps run

 private:
  using Memory = dnnl::memory;
  using Node = compiler::Node;
  using ValueId = compiler::ValueId;
  using Args = std::unordered_map<int, Memory>;

  // What a product is made of, whichever it is.
  struct Product {
    Memory weights;  // as they are, row-major
    Memory bias;     // empty without one
    dnnl::primitive_attr attributes;
    Memory::data_type result = Memory::data_type::f32;
    const Node* map = nullptr;  // fused into it
  };

  // onednn_builder.cc: values and memories
  void add_inputs();
  void add_outputs();
  void add(std::size_t index);
  [[nodiscard]] const Node* fusable_map(std::size_t index) const;
  [[nodiscard]] Memory::dims dims(ValueId id) const;
  [[nodiscard]] Memory::data_type type(ValueId id) const;
  [[nodiscard]] Memory::desc plain_desc(ValueId id) const;
  [[nodiscard]] Memory::desc any_desc(ValueId id) const;
  [[nodiscard]] const Tensor& constant(const Node& node, std::size_t input) const;
  Memory constant_memory(const Tensor& tensor, Memory::data_type type);
  Memory value(ValueId id);                                // as it is
  Memory plain(const Node& node, ValueId id);              // row-major
  Memory view(const Memory& memory, const Memory::desc&);  // the same bytes
  Memory in_layout(const Node& node, const Memory& memory, const Memory::desc& wanted);
  Memory converted(const Node& node, const Memory& from, const Memory::desc& to,
                   const dnnl::primitive_attr& attributes, bool device);
  void push(const Node& node, const char* kernel, dnnl::primitive primitive, Args args,
            bool device = true);
  void set_value(ValueId id, Memory memory) { values_[id] = std::move(memory); }

  // onednn_products.cc
  void add_matmul(const Node& node, const Node* map);
  void add_conv(const Node& node, const Node* map);
  Product float_product(const Node& node, const Node* map, float alpha, float beta);
  Product integer_product(const Node& node, const compiler::ProductQuants& quants, float alpha,
                          bool fold);
  void set_product(ValueId id, const Memory& result);
  void finish_product(const Node& node, const Product& product, const Memory& result);

  // onednn_exact.cc
  struct ExactLayouts {
    Memory::desc x, y;  // of int8
  };
  void add_exact_matmul(const Node& node);
  void add_exact_conv(const Node& node);
  void set_quants(const Node& node, const compiler::ProductQuants& quants, float alpha,
                  ExactProductSpec& spec) const;
  void add_exact_product(const Node& node, const compiler::ProductQuants& quants,
                         ExactProductSpec spec, const ExactLayouts& layouts);
  Memory result_of(const Node& node, const compiler::ProductQuants& quants, const Memory& y);
  [[nodiscard]] bool read_as_it_is(const Node& product) const;
  Memory with_slack(const Memory::desc& desc);  // kReadableBehind bytes behind it

  // onednn_layers.cc
  void add_map(const Node& node);
  void add_zip(const Node& node);
  Memory float_zip(const Node& node, const Memory& a, const Memory& b);
  Memory integer_sum(const Node& node, const compiler::ZipAttrs& zip);
  void add_table(const Node& node);
  Memory looked_up(const Node& node, const compiler::TableAttrs& table, const Memory& x);
  void add_reduce(const Node& node);
  Memory softmax(const Node& node, const compiler::ReduceAttrs& reduce);
  Memory reduced(const Node& node, const compiler::ReduceAttrs& reduce);
  void add_pool(const Node& node);
  Memory pool(const Node& node, const Memory& source);
  void add_quantise(const Node& node);
  void add_dequantise(const Node& node);
  Memory quantised(const Node& node, const Memory& from, const compiler::Quant& quant, bool device);
  Memory dequantised(const Node& node, const Memory& from, const compiler::Quant& quant,
                     bool device);

  // onednn_moves.cc
  void add_move(const Node& node);
  void add_transpose(const Node& node, const compiler::MoveAttrs& move);
  void add_concat(const Node& node, const compiler::MoveAttrs& move);
  void add_pad(const Node& node, const compiler::MoveAttrs& move);

  const compiler::Graph& graph_;
  CpuOptions options_;
  ThreadPool pool_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<ValueId, Memory> values_, plain_values_;
  std::map<ValueId, Memory> signed_;               // results of exact products, as those take them
  std::map<dnnl_memory_t, std::size_t> input_of_;  // memories of the caller's bytes
  std::vector<Memory> viewed_;                     // whose bytes other memories look at
  std::set<ValueId> fused_;                        // results of maps that a product computed
};

}  // namespace systole::compare
