// The attributes of each op, and of a graph, as named fields in the order the text form has them:
// what to_text writes and parse_text reads. A field that holds its default is left out of the text;
// one that is a choice of words stands first, without its name.
#pragma once

#include <array>
#include <string_view>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The words of each choice, by its number.
template <typename Choice>
inline constexpr std::array<std::string_view, 0> kWords = {};
template <>
inline constexpr auto kWords<MapFn> = std::to_array<std::string_view>({
#define SYSTOLE_MAP(name, text, ...) text,
#include "isa/elementwise.def"
});
template <>
inline constexpr auto kWords<ZipFn> = std::to_array<std::string_view>({
#define SYSTOLE_ZIP(name, text, ...) text,
#include "isa/elementwise.def"
});
template <>
inline constexpr auto kWords<ReduceFn> = std::to_array<std::string_view>({
#define SYSTOLE_REDUCTION(name, text) text,
#include "isa/reductions.def"
});
template <>
inline constexpr auto kWords<HostFn> = std::to_array<std::string_view>({
#define SYSTOLE_HOST_FN(name, text, ...) text,
#include "isa/host_functions.def"
});
template <>
inline constexpr auto kWords<PoolFn> = std::to_array<std::string_view>({"max", "average"});
template <>
inline constexpr auto kWords<MoveFn> = std::to_array<std::string_view>({"reshape", "transpose",
                                                                        "concat", "pad"});

// Each calls visit(name, field) for every field.
template <typename Visit>
void each_field(std::monostate& /*none*/, Visit&& /*visit*/) {}

// What may be long comes last.
template <typename Visit>
void each_field(ProductQuants& a, Visit&& visit) {
  visit("x", a.x_quant);
  visit("y", a.output);
  visit("lo", a.lo);
  visit("hi", a.hi);
  visit("sum_rows", a.sum_rows);
  visit("w", a.w_quant);
  visit("lookup", a.lookup);
}

template <typename Visit>
void each_field(Window& w, Visit&& visit) {
  visit("kernel", w.kernel);
  visit("strides", w.strides);
  visit("dilations", w.dilations);
  visit("pads", w.pads);
}

template <typename Visit>
void each_field(MatmulAttrs& a, Visit&& visit) {
  visit("alpha", a.alpha);
  visit("beta", a.beta);
  each_field(static_cast<ProductQuants&>(a), visit);
}

template <typename Visit>
void each_field(ConvAttrs& a, Visit&& visit) {
  each_field(a.window, visit);
  visit("groups", a.groups);
  each_field(static_cast<ProductQuants&>(a), visit);
}

template <typename Visit>
void each_field(MapAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  visit("lo", a.lo);
  visit("hi", a.hi);
  visit("alpha", a.alpha);
  visit("beta", a.beta);
  visit("x", a.x_quant);
  visit("y", a.output);
}

template <typename Visit>
void each_field(ZipAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  visit("a", a.a_quant);
  visit("b", a.b_quant);
  visit("y", a.output);
  visit("lo", a.lo);
  visit("hi", a.hi);
}

template <typename Visit>
void each_field(TableAttrs& a, Visit&& visit) {
  visit("entries", a.entries);
  visit("points", a.points);
}

template <typename Visit>
void each_field(ReduceAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  visit("first_axis", a.first_axis);
  visit("end_axis", a.end_axis);
}

template <typename Visit>
void each_field(PoolAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  each_field(a.window, visit);
  visit("count_padding", a.count_padding);
  visit("overhang", a.overhang);
  visit("x", a.x_quant);
  visit("y", a.output);
}

template <typename Visit>
void each_field(MoveAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  visit("permutation", a.permutation);
  visit("axis", a.axis);
  visit("pads", a.pads);
  visit("fill", a.fill);
}

template <typename Visit>
void each_field(QuantAttrs& a, Visit&& visit) {
  visit("quant", a.quant);
}

template <typename Visit>
void each_field(HostAttrs& a, Visit&& visit) {
  visit("fn", a.fn);
  visit("numbers", a.numbers);
  visit("reals", a.reals);
}

template <typename Visit>
void each_field(Graph& g, Visit&& visit) {
  visit("structure_only", g.structure_only);
  visit("separate_layers", g.separate_layers);
  visit("images_together", g.images_together);
}

}  // namespace systole::compiler
