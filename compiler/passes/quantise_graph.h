// Passes that quantise a float graph: which tensors get a quantise/dequantise pair, and putting the
// pairs in. `systole quantize` does it with calibrated ranges, timing-only compilation without.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// matmul of a matrix or conv, then an addition of a constant vector: one product with a bias.
[[nodiscard]] Graph absorb_biases(Graph graph);

struct QuantisePlan {
  std::vector<int> products;     // indices of the matmul and conv nodes that become integer
  std::vector<ValueId> tensors;  // each gets a pair with a quantisation of its own
  std::map<ValueId, ValueId>
      copies;            // results of moves and max pools: whose quantisation they keep
  std::string obstacle;  // why the first product that stays float does; may be empty
  std::string obstacle_node;
};

// Every product of a computed x and constant weights; behind its input and result, every add, mul,
// map, pool, concat and move all of whose computed inputs are quantised. A relu or clip that alone
// reads a product, add or mul belongs to it. Layers that are named stay in floats.
[[nodiscard]] QuantisePlan plan_quantisation(const Graph& graph,
                                             const std::set<std::string>& excluded = {});

// The quantisations of plan.tensors. Without values, weights get scales of 1 and become 0.
struct Quantisations {
  std::map<ValueId, Quant> tensors;
  bool values = true;
  bool floats = false;  // bfloat16: weights are rounded, biases stay float32
  int weight_bits = 8;  // 8 or 7, of products' weights
  std::string where;    // for errors
};

// Throws InputError if the weights or biases of a planned product are not finite.
void check_constants(const Graph& graph, const QuantisePlan& plan, const std::string& where);

// Throws InputError if a constant is not finite or a bias has no int32 form. Tensors keep
// their names: T is what the pair gives, T_unquantized what is computed, T_quantized its integers;
// an input keeps its name and its pair gives T_dequantized.
[[nodiscard]] Graph insert_quantisers(Graph graph, const QuantisePlan& plan,
                                      const Quantisations& quantisations);

}  // namespace systole::compiler
