// Layers of Llama, by tokens and by how many GPUs share them: four products and five kernels that
// work element by element, each with a column of its own.
#include <algorithm>
#include <array>

#include "compare/model/gpu_rows.h"

namespace systole::compare {
namespace {

// The layers of one Llama, split over `tp` GPUs.
struct Llama {
  std::int64_t tokens, width, queries, keys, hidden;
};

Llama llama_of(const Cells& cells) {
  const std::int64_t heads = cells.whole("n_head", kMostCount), tp = cells.whole("tp", kMostCount);
  const std::int64_t width = cells.whole("n_embd", kMostCount);
  const std::int64_t head = std::max<std::int64_t>(1, width / heads);
  const auto share = [&](std::int64_t of) { return std::max<std::int64_t>(1, of / tp); };
  return {.tokens = cells.whole("tokens", kMostCount),
          .width = width,
          .queries = share(heads) * head,
          .keys = share(cells.whole("n_kv", kMostCount)) * head,
          .hidden = share(cells.whole("ffn", kMostCount))};
}

// Clocks of an SM for an element, of kernels that move one at a time: five figures of the measured
// software, the same for both devices, chosen by hand with all rows of the table in sight.
struct LlamaLayer {
  const char* column;
  void (*set)(GpuRow& row, const Llama& l);
};
constexpr double kActClocks = 0.83, kNormClocks = 0.83, kRopeClocks = 0.6, kAddClocks = 0.33,
                 kEmbedClocks = 1.75;

double count(std::int64_t a, std::int64_t b) {
  return static_cast<double>(a) * static_cast<double>(b);
}

constexpr auto kLlamaLayers = std::to_array<LlamaLayer>({
    {"attn_pre_proj",
     [](GpuRow& row, const Llama& l) {
       set_product(row, {.m = l.tokens, .k = l.width, .n = l.queries + 2 * l.keys});
     }},
    {"attn_post_proj",
     [](GpuRow& row, const Llama& l) {
       set_product(row, {.m = l.tokens, .k = l.queries, .n = l.width});
     }},
    {"mlp_up_proj",
     [](GpuRow& row, const Llama& l) {
       set_product(row, {.m = l.tokens, .k = l.width, .n = 2 * l.hidden});
     }},
    {"mlp_act",
     [](GpuRow& row, const Llama& l) {
       set_element(row, "silu", {count(l.tokens, l.hidden), 3.0, kActClocks});
     }},
    {"mlp_down_proj",
     [](GpuRow& row, const Llama& l) {
       set_product(row, {.m = l.tokens, .k = l.hidden, .n = l.width});
     }},
    {"input_layernorm",
     [](GpuRow& row, const Llama& l) {
       set_element(row, "rms norm", {count(l.tokens, l.width), 2.0, kNormClocks});
     }},
    {"attn_rope",
     [](GpuRow& row, const Llama& l) {
       set_element(row, "rope", {count(l.tokens, l.queries + l.keys), 2.0, kRopeClocks});
     }},
    {"add",
     [](GpuRow& row, const Llama& l) {
       set_element(row, "add", {count(l.tokens, l.width), 3.0, kAddClocks});
     }},
    {"emb",
     [](GpuRow& row, const Llama& l) {
       set_element(row, "embedding", {count(l.tokens, l.width), 2.0, kEmbedClocks});
     }},
});

}  // namespace

void read_llama(const Cells& cells, GpuTable& table) {
  const Llama llama = llama_of(cells);
  for (const LlamaLayer& layer : kLlamaLayers) {
    if (!cells.has(layer.column)) continue;
    GpuRow row = row_of(cells, cells.text("device"), kLlamaLayers[0].column);
    row.source = "Vidur";
    row.precision = "fp16";
    layer.set(row, llama);
    row.seconds = cells.seconds(cells.number(layer.column) * 1e-3);
    add(std::move(row), table);
  }
}

}  // namespace systole::compare
