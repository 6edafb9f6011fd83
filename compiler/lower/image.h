// Image: what products need in memory: weight tiles in DRAM, biases and scales as parameter rows;
// and the look-up tables of the other operations.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/lower/address_plan.h"
#include "compiler/lower/product.h"
#include "isa/program.h"

namespace systole::compiler {

// Lays out the tiles and parameter rows of all products, fills weights and constants of `program`
// (sizes only if the program has no values) and gives the products their addresses. Weight zero
// points occupy parameter rows [0, result) and constants [0, result * row bytes). Throws InputError
// if weights or zero points exceed the machine.
[[nodiscard]] std::int64_t build_image(const Graph& graph, std::vector<Product>& products,
                                       AddressPlan& plan, isa::Program& program);

// Appends a table of one word per entry to the constants, in whole parameter rows; returns its host
// address.
[[nodiscard]] std::int64_t append_table(const std::vector<std::int32_t>& words, AddressPlan& plan,
                                        isa::Program& program);

}  // namespace systole::compiler
