// Image: tiles are written row-major, R x C weights each, with zeros beyond the valid rows and
// columns. Within them, what is no weight of the model (beside the blocks of groups, around a
// folded kernel) is the column's zero point, which the array subtracts.
#include "compiler/lower/image.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/diag.h"
#include "base/numerics.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

class ImageBuilder {
 public:
  ImageBuilder(const Graph& graph, AddressPlan& plan, isa::Program& program)
      : graph_(graph), plan_(plan), program_(program), machine_(program.machine) {}

  std::int64_t build(std::vector<Product>& products) {
    for (Product& p : products) reserve_zero_points(p);
    const std::int64_t zero_rows = std::ssize(program_.constants) / machine_.param_row_bytes();
    if (zero_rows > machine_.parameters_rows) {
      throw InputError("machine " + machine_.name,
                       "weight zero points need " + std::to_string(zero_rows) + " parameter rows",
                       "at most parameters.rows = " + std::to_string(machine_.parameters_rows));
    }
    for (Product& p : products) reserve(p);
    if (program_.weight_bytes > machine_.dram_bytes) {
      throw InputError(
          "model " + graph_.name,
          "its weights need " + std::to_string(program_.weight_bytes) + " bytes of tiles",
          "at most dram.bytes = " + std::to_string(machine_.dram_bytes));
    }
    if (program_.has_values) {
      program_.weights.resize(static_cast<std::size_t>(program_.weight_bytes));
      for (const Product& p : products) fill(p);
    }
    return zero_rows;
  }

 private:
  static bool has_zero_points(const Product& p) {
    const auto& zeros = p.quants().w_quant->zero_points;
    return std::any_of(zeros.begin(), zeros.end(), [](std::int32_t z) { return z != 0; });
  }

  void reserve_zero_points(Product& p) {
    if (!has_zero_points(p)) return;
    p.zero_row = place_rows(std::ssize(p.columns)) / machine_.param_row_bytes();
  }

  void reserve(Product& p) {
    for (std::vector<Tile>& column : p.tiles) {
      for (Tile& tile : column) {
        tile.dram = plan_.place(Area::kWeights, isa::tile_bytes(machine_, p.weight_type()), 1);
      }
    }
    if (p.param_rows() == 0) return;
    p.params = place_rows(p.param_rows() * std::ssize(p.columns));
  }

  // Host address of so many parameter rows.
  std::int64_t place_rows(std::int64_t rows) {
    const std::int64_t row = machine_.param_row_bytes();
    return plan_.place(Area::kConstants, rows * row, row);
  }

  void fill(const Product& p) {
    for (std::size_t nb = 0; nb < p.columns.size(); ++nb) {
      for (const Tile& tile : p.tiles[nb]) fill_tile(p, p.slices[tile.slice], p.columns[nb], tile);
      fill_params(p, nb);
    }
  }

  void fill_tile(const Product& p, const Slice& slice, const Cut& columns, const Tile& tile) {
    const std::int64_t each = isa::tile_bytes(machine_, p.weight_type()) / machine_.pe_count();
    const std::uint8_t* source =
        graph_.value(p.node->inputs[2 * slice.term + 1]).constant->data.data();
    std::uint8_t* to = program_.weights.data() + tile.dram;
    for (std::int64_t r = 0; r < slice.rows(); ++r, to += machine_.c() * each) {
      if (p.zero_row >= 0) fill_zero_points(*p.quants().w_quant, columns, to);
      const WeightRow row = weight_row(p, slice, r);
      const std::int64_t end = std::min(row.end, columns.begin + columns.width);
      for (std::int64_t c = std::max(row.first, columns.begin); c < end; ++c) {
        std::memcpy(to + (c - columns.begin) * each, source + (row.offset + c * row.step) * each,
                    static_cast<std::size_t>(each));
      }
    }
  }

  static void fill_zero_points(const Quant& weights, const Cut& columns, std::uint8_t* to) {
    for (std::int64_t c = 0; c < columns.width; ++c) {
      const auto column = static_cast<std::size_t>(columns.begin + c);
      to[c] = static_cast<std::uint8_t>(pick(weights.zero_points, column));
    }
  }

  void fill_params(const Product& p, std::size_t nb) {
    const ProductQuants& q = p.quants();
    const auto block = static_cast<std::int64_t>(nb);
    const Tensor* bias = p.has_bias() ? &*graph_.value(bias_of(*p.node)).constant : nullptr;
    const Cut& columns = p.columns[nb];
    for (std::int64_t c = 0; c < columns.width; ++c) {
      const auto column = static_cast<std::size_t>(columns.begin + c);
      if (p.zero_row >= 0) {
        put((p.zero_row + block) * machine_.param_row_bytes(), c,
            std::bit_cast<std::uint32_t>(pick(q.w_quant->zero_points, column)));
      }
      if (p.params < 0) continue;
      const std::int64_t row = p.params + block * p.param_rows() * machine_.param_row_bytes();
      if (bias != nullptr) put(row, c, word_of(*bias, column));
      if (!p.requantised() || p.floats()) continue;
      const float multiplier = requantise_multiplier(
          p.alpha() * q.x_quant->scales[0], pick(q.w_quant->scales, column), q.output->scales[0]);
      put(row + machine_.param_row_bytes(), c, std::bit_cast<std::uint32_t>(multiplier));
    }
  }

  void put(std::int64_t row, std::int64_t column, std::uint32_t word) {
    std::memcpy(program_.constants.data() + row + 4 * column, &word, sizeof word);
  }

  // An int32 or a float32.
  static std::uint32_t word_of(const Tensor& t, std::size_t i) {
    std::uint32_t word;
    std::memcpy(&word, t.data.data() + i * sizeof word, sizeof word);
    return word;
  }

  template <typename T>
  static T pick(const std::vector<T>& values, std::size_t column) {
    return values.size() == 1 ? values[0] : values.at(column);
  }

  const Graph& graph_;
  AddressPlan& plan_;
  isa::Program& program_;
  const isa::Machine& machine_;
};

}  // namespace

std::int64_t build_image(const Graph& graph, std::vector<Product>& products, AddressPlan& plan,
                         isa::Program& program) {
  return ImageBuilder(graph, plan, program).build(products);
}

std::int64_t append_table(const std::vector<std::int32_t>& words, AddressPlan& plan,
                          isa::Program& program) {
  const std::int64_t row = program.machine.param_row_bytes();
  const std::int64_t bytes = 4 * std::ssize(words);
  const std::int64_t at = plan.place(Area::kConstants, ceil_div(bytes, row) * row, row);
  std::memcpy(program.constants.data() + at, words.data(), static_cast<std::size_t>(bytes));
  return at;
}

}  // namespace systole::compiler
