// The generator of random programs (random_program.h): its state, and an instruction of each kind.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/random_choice.h"
#include "tests/support/random_constants.h"
#include "tests/support/random_program.h"
#include "tests/support/random_sync.h"
#include "tests/support/random_vector.h"

namespace systole {

// A stretch of host memory.
struct Region {
  std::int64_t address, bytes;
};
struct TileSize {
  std::int64_t k, n;
  std::int64_t weights;  // their type
};

class Generator {
 public:
  Generator(std::uint64_t seed, std::int64_t length, Width width);
  RandomCase take() && { return std::move(case_); }

 private:
  // What each matrix unit has of its own.
  struct Core {
    std::deque<TileSize> fifo;
    TileSize active{0, 0, isa::weight_type::kByte};
    std::vector<Area> acc;  // rows that hold sums
  };

  void make_tensors();
  void make_host_steps();
  void make_table();
  Region add_tensor(const std::string& name, DType type, Shape shape, isa::Role role);

  void one_instruction();
  Area read_host(std::int64_t rows, std::int64_t bytes);
  void write_host();
  void read_params(ParamKind kind);
  std::int64_t param_row(ParamKind kind);
  void read_weights(std::int64_t unit);
  void read_tile(std::int64_t unit, std::int64_t columns);
  void matmul(std::int64_t unit);
  void convolve(std::int64_t unit);
  template <typename Pass>
  void begin_pass(Pass& pass);
  template <typename Pass>
  std::int64_t sums_at(std::int64_t rows, Pass& pass);
  Area operand(std::int64_t rows, std::int64_t bytes);
  void activate(std::int64_t unit, std::int64_t type);
  void activate_pool(const isa::Activate& like, const Area& from);
  void interrupt();
  void repeat();
  void finish();

  // A matrix unit.
  std::int64_t pick_core() {
    const std::int64_t last = machine().array_units - 1;
    return last == 0 ? 0 : random_.pick(0, last);
  }
  Core& core(std::int64_t i) { return cores_[static_cast<std::size_t>(i)]; }
  void load();
  void store();

  // An element type of activation's results.
  std::int64_t pick_type(std::int64_t last_integer);
  [[nodiscard]] bool has_floats() const {
    return machine().array_operands != isa::Operands::kIntegers;
  }
  [[nodiscard]] const isa::Machine& machine() const { return case_.machine; }
  isa::Program& program() { return case_.program; }
  // A random place for `rows` logical rows of `bytes` bytes.
  Area place(std::int64_t rows, std::int64_t bytes);
  void written(const isa::Insn& insn);

  RandomCase case_;
  RandomChoice random_;
  RandomSync sync_;
  std::optional<RandomVector> vector_;
  std::vector<Area> ub_;
  std::vector<Region> sources_;  // host memory that read_host may read
  Region output_{};
  std::vector<std::vector<std::int64_t>> params_;  // rows by ParamKind
  std::vector<Core> cores_;
  std::int64_t stages_ = 0;
};

}  // namespace systole
