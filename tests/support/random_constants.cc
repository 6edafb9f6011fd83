// Random constants (random_constants.h).
#include "tests/support/random_constants.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/bfloat16.h"
#include "tests/support/random_machine.h"

namespace systole {

std::vector<std::uint8_t> random_constants(const isa::Machine& machine, RandomChoice& random) {
  std::vector<std::uint8_t> constants;
  const auto put = [&](auto value) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &value, 4);
    constants.insert(constants.end(), bytes.begin(), bytes.end());
  };
  const std::int64_t count = kRowsPerKind * machine.c();
  const std::int64_t widest = std::int64_t{1} << random.one_of<int>({4, 12, 30});
  for (std::int64_t i = 0; i < count; ++i) {
    put(static_cast<std::int32_t>(random.pick(-widest, widest)));
  }
  for (std::int64_t i = 0; i < count; ++i) {
    float scale = static_cast<float>(random.pick(-1, 1000)) / 16384.0F;
    if (random.chance(2)) scale = std::numeric_limits<float>::infinity();
    if (random.chance(2)) scale = std::numeric_limits<float>::quiet_NaN();
    put(scale);
  }
  for (std::int64_t i = 0; i < count; ++i) put(static_cast<std::int32_t>(random.pick(0, 255)));
  for (std::int64_t i = 0; i < count; ++i) put(static_cast<std::int32_t>(random.pick(-128, 127)));
  for (std::int64_t i = 0; i < table_rows(machine) * machine.c(); ++i) {
    put(static_cast<std::int32_t>(random.pick(-40'000, 40'000)));
  }
  return constants;
}

void random_floats(std::span<std::uint8_t> bytes, RandomChoice& random) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    if (random.chance(3)) continue;
    Bfloat16 x(static_cast<float>(random.pick(-1000, 1000)) * 0x1p-8F);
    if (random.chance(10))
      x = Bfloat16(std::ldexp(float{x}, static_cast<int>(random.pick(-140, 120))));
    if (random.chance(3)) {
      x = Bfloat16::of_bits(random.one_of<std::uint16_t>(
          {0x7F80, 0xFF80, 0x7FC0, 0xFFFF, 0x7FFF, 0x7FFE, 0x8000, 0x0000, 0x0001, 0x807F}));
    }
    std::memcpy(&bytes[i], &x, sizeof x);
  }
}

std::map<std::string, Tensor> random_inputs(const isa::Program& program, RandomChoice& random) {
  std::map<std::string, Tensor> inputs;
  for (const isa::HostTensor& t : program.tensors) {
    if (t.role != isa::Role::kInput) continue;
    Tensor tensor(t.type, t.shape);
    if (t.type == DType::kFloat32) {
      for (float& v : tensor.as<float>()) v = static_cast<float>(random.pick(-500, 500)) / 100.0F;
    } else {
      for (std::uint8_t& v : tensor.data) v = random.byte();
      if (program.machine.array_operands != isa::Operands::kIntegers)
        random_floats(tensor.data, random);
    }
    inputs.emplace(t.name, std::move(tensor));
  }
  return inputs;
}

}  // namespace systole
