// Random instructions straight from the tables: every operand uniform in its range, its ends
// likely.
#pragma once

#include <random>

#include "isa/operand.h"
#include "isa/program.h"

namespace systole::isa {

inline std::int64_t random_value(Operand kind, std::mt19937_64& random) {
  const OperandRange& range = operand_range(kind);
  const auto dice = random() % 4;
  if (dice == 0) return range.low;
  if (dice == 1) return range.high;
  return std::uniform_int_distribution<std::int64_t>(range.low, range.high)(random);
}

template <std::size_t kIndex = 0>
Insn random_insn_of(std::size_t which, std::mt19937_64& random) {
  if constexpr (kIndex + 1 < std::variant_size_v<Insn>) {
    if (which != kIndex) return random_insn_of<kIndex + 1>(which, random);
  }
  std::variant_alternative_t<kIndex, Insn> insn;
  insn.for_each([&random](std::string_view, Operand kind, std::int64_t& value) {
    value = random_value(kind, random);
  });
  return insn;
}

inline Insn random_insn(std::mt19937_64& random) {
  return random_insn_of(random() % std::variant_size_v<Insn>, random);
}

// A program whose tables are full and whose code is random.
inline Program random_program(std::uint64_t seed, std::size_t instructions) {
  std::mt19937_64 random(seed);
  Program p;
  p.model = "model \"quoted\" \\ \x01 \xc3\xa9";
  p.model_hash = "00ff";
  p.machine.name = "odd \"name\"";
  p.machine.array_weight_load = WeightLoad::kChain;
  p.batch = 3;
  p.batches = 2;
  p.has_values = random() % 2 == 0;
  p.weight_bytes = static_cast<std::int64_t>(random() % 300);
  p.weights.resize(p.has_values ? static_cast<std::size_t>(p.weight_bytes) : 0);
  for (auto& byte : p.weights) byte = static_cast<std::uint8_t>(random());
  p.constants.resize(random() % 130);
  for (auto& byte : p.constants) byte = static_cast<std::uint8_t>(random());
  p.host_bytes = std::ssize(p.constants) + 100;
  p.layers = {{"(none)", "", 0, 0}, {"fc 1#", "matmul", 123, 456}};
  p.tensors = {{"x", DType::kFloat32, {6, 2}, Role::kInput, std::ssize(p.constants)},
               {"q", DType::kUint8, {6, 2}, Role::kOutput, std::ssize(p.constants) + 48},
               {"empty", DType::kInt8, {0}, Role::kConstant, 0}};
  p.host_steps = {{0, HostOp::kQuantise, "node = 1", {0}, {1}, {-1, 128}, {0.1F}, 1},
                  {kFinalStage, HostOp::kSoftmax, "", {0}, {0}, {1, 2}, {}, 0}};
  for (std::size_t i = 0; i < instructions; ++i) p.code.push_back(random_insn(random));
  return p;
}

}  // namespace systole::isa
