// Image: tiles are written row-major, R x C bytes each, with zeros beyond the valid rows and
// columns.
#include "compiler/lower/image.h"

#include <bit>
#include <cstring>

#include "base/diag.h"
#include "base/numerics.h"

namespace systole::compiler {
namespace {

class ImageBuilder {
 public:
  ImageBuilder(const Graph& graph, isa::Program& program)
      : graph_(graph), program_(program), machine_(program.machine) {}

  std::int64_t build(std::vector<DeviceMatmul>& matmuls) {
    for (DeviceMatmul& m : matmuls) reserve_zero_points(m);
    const std::int64_t zero_rows = constant_rows_;
    if (zero_rows > machine_.parameters_rows) {
      throw InputError("machine " + machine_.name,
                       "weight zero points need " + std::to_string(zero_rows) + " parameter rows",
                       "at most parameters.rows = " + std::to_string(machine_.parameters_rows));
    }
    for (DeviceMatmul& m : matmuls) reserve(m);
    if (program_.weight_bytes > machine_.dram_bytes) {
      throw InputError(
          "model " + graph_.name,
          "its weights need " + std::to_string(program_.weight_bytes) + " bytes of tiles",
          "at most dram.bytes = " + std::to_string(machine_.dram_bytes));
    }
    program_.constants.resize(
        static_cast<std::size_t>(constant_rows_ * machine_.param_row_bytes()));
    if (program_.has_values) {
      program_.weights.resize(static_cast<std::size_t>(program_.weight_bytes));
      for (const DeviceMatmul& m : matmuls) fill(m);
    }
    return zero_rows;
  }

 private:
  static bool has_zero_points(const DeviceMatmul& m) {
    for (std::int32_t z : m.attrs().w_quant->zero_points) {
      if (z != 0) return true;
    }
    return false;
  }

  void reserve_zero_points(DeviceMatmul& m) {
    if (!has_zero_points(m)) return;
    m.zero_row = constant_rows_;
    constant_rows_ += static_cast<std::int64_t>(m.n_cuts.size());
  }

  void reserve(DeviceMatmul& m) {
    m.dram = program_.weight_bytes;
    program_.weight_bytes += m.tiles() * machine_.tile_bytes();
    if (m.param_rows() == 0) return;
    m.params = constant_rows_ * machine_.param_row_bytes();
    constant_rows_ += m.param_rows() * static_cast<std::int64_t>(m.n_cuts.size());
  }

  void fill(const DeviceMatmul& m) {
    std::int64_t tile = m.dram;
    for (std::size_t nb = 0; nb < m.n_cuts.size(); ++nb) {
      for (const Cut& k_cut : m.k_cuts) {
        fill_tile(m, k_cut, m.n_cuts[nb], tile);
        tile += machine_.tile_bytes();
      }
      fill_params(m, nb);
    }
  }

  void fill_tile(const DeviceMatmul& m, const Cut& k_cut, const Cut& n_cut, std::int64_t at) {
    const std::uint8_t* source = graph_.value(m.node->inputs[1]).constant->data.data();
    for (std::int64_t r = 0; r < k_cut.width; ++r) {
      std::memcpy(program_.weights.data() + at + r * machine_.c(),
                  source + (k_cut.begin + r) * m.n + n_cut.begin,
                  static_cast<std::size_t>(n_cut.width));
    }
  }

  void fill_params(const DeviceMatmul& m, std::size_t nb) {
    const MatmulAttrs& a = m.attrs();
    const auto index = static_cast<std::int64_t>(nb);
    const Tensor* bias = m.has_bias() ? &*graph_.value(m.node->inputs[2]).constant : nullptr;
    const Cut& n_cut = m.n_cuts[nb];
    for (std::int64_t c = 0; c < n_cut.width; ++c) {
      const auto column = static_cast<std::size_t>(n_cut.begin + c);
      if (m.zero_row >= 0) {
        put((m.zero_row + index) * machine_.param_row_bytes(), c,
            std::bit_cast<std::uint32_t>(pick(a.w_quant->zero_points, column)));
      }
      if (m.params < 0) continue;
      const std::int64_t row = m.params + index * m.param_rows() * machine_.param_row_bytes();
      if (bias != nullptr)
        put(row, c, std::bit_cast<std::uint32_t>(bias->as<std::int32_t>()[column]));
      if (!m.requantised()) continue;
      const float multiplier = requantise_multiplier(
          a.alpha * a.x_quant->scales[0], pick(a.w_quant->scales, column), a.output->scales[0]);
      put(row + machine_.param_row_bytes(), c, std::bit_cast<std::uint32_t>(multiplier));
    }
  }

  void put(std::int64_t row, std::int64_t column, std::uint32_t word) {
    std::memcpy(program_.constants.data() + row + 4 * column, &word, sizeof word);
  }

  template <typename T>
  static T pick(const std::vector<T>& values, std::size_t column) {
    return values.size() == 1 ? values[0] : values.at(column);
  }

  const Graph& graph_;
  isa::Program& program_;
  const isa::Machine& machine_;
  std::int64_t constant_rows_ = 0;
};

}  // namespace

std::int64_t build_image(const Graph& graph, std::vector<DeviceMatmul>& matmuls,
                         isa::Program& program) {
  return ImageBuilder(graph, program).build(matmuls);
}

}  // namespace systole::compiler
