// Loader: damaged files are refused with an InputError, never more. With the checksum made right
// again, damage reaches the bounds checks behind it.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/diag.h"
#include "isa/program.h"
#include "tests/isa/random_insn.h"

namespace systole::isa {
namespace {

using Bytes = std::vector<std::uint8_t>;

void fix_checksum(Bytes& bytes) {
  const std::size_t body = bytes.size() - 4;
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, bytes.data(), body));
  for (std::size_t i = 0; i < 4; ++i) bytes[body + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

std::string error_of(const Bytes& bytes) {
  try {
    (void)load_program(bytes, "f.tpu");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Loader, EveryFlippedByteIsNoticed) {
  const Bytes good = save_program(random_program(1, 20));
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 0x5a;
    EXPECT_THROW((void)load_program(bad, "f.tpu"), InputError) << "byte " << at;
  }
}

TEST(Loader, EveryTruncationIsNoticed) {
  const Bytes good = save_program(random_program(1, 20));
  for (std::size_t size = 0; size < good.size(); ++size) {
    Bytes bad(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW((void)load_program(bad, "f.tpu"), InputError) << "size " << size;
    if (size < 16) continue;
    fix_checksum(bad);
    EXPECT_THROW((void)load_program(bad, "f.tpu"), InputError) << "size " << size;
  }
}

// With a right checksum, a damaged file is refused or is another sound program.
TEST(Loader, FuzzBehindTheChecksum) {
  const Bytes good = save_program(random_program(2, 30));
  std::mt19937_64 random(7);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = good;
    for (std::uint64_t n = random() % 3; n < 3; ++n) {
      bytes[random() % bytes.size()] =
          random() % 4 == 0 ? 0xff : static_cast<std::uint8_t>(random());
    }
    fix_checksum(bytes);
    try {
      const Program program = load_program(bytes, "f.tpu");
      ASSERT_EQ(load_program(save_program(program), "again"), program);
    } catch (const InputError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5'000);
}

TEST(Loader, SaysWhatIsWrong) {
  const Bytes good = save_program(random_program(1, 5));
  EXPECT_THAT(error_of({}), testing::HasSubstr("f.tpu: is no program"));
  Bytes version = good;
  version[8] = 9;
  EXPECT_THAT(error_of(version), testing::HasSubstr("has version 9; expected version 1"));
  Bytes damaged = good;
  damaged[40] ^= 1;
  EXPECT_THAT(error_of(damaged), testing::HasSubstr("checksum"));
}

// Each bound of the tables, broken on purpose.
TEST(Loader, TablesAreChecked) {
  const auto refused = [](auto&& breaks) {
    Program program = random_program(2, 3);
    breaks(program);
    EXPECT_THROW((void)save_program(program), InputError);
  };
  refused([](Program& p) { p.batch = 0; });
  refused([](Program& p) { p.batches = std::int64_t{1} << 40; });
  refused([](Program& p) { p.host_bytes = std::ssize(p.constants) - 1; });
  refused([](Program& p) { p.host_bytes = std::int64_t{1} << 40; });
  refused([](Program& p) { p.weight_bytes = -1; });
  refused([](Program& p) { p.weights.push_back(0); });
  refused([](Program& p) { p.layers.clear(); });
  refused([](Program& p) { p.layers[1].macs = -1; });
  refused([](Program& p) { p.tensors[0].address = -1; });
  refused([](Program& p) { p.tensors[0].address = p.host_bytes; });
  refused([](Program& p) { p.tensors[0].address = 0; });
  refused([](Program& p) { p.tensors[0].role = Role::kConstant; });
  refused([](Program& p) { p.tensors[0].shape = {std::int64_t{1} << 39, 4}; });
  refused([](Program& p) { p.tensors[0].shape = {-1}; });
  refused([](Program& p) { p.host_steps[0].inputs = {3}; });
  refused([](Program& p) { p.host_steps[0].outputs = {}; });
  refused([](Program& p) { p.host_steps[0].numbers = {0}; });
  refused([](Program& p) { p.host_steps[0].layer = 2; });
  refused([](Program& p) { p.host_steps[0].stage = kFinalStage + 1; });
  refused([](Program& p) { std::swap(p.host_steps[0], p.host_steps[1]); });
  refused([](Program& p) { p.machine.unified_buffer_bytes = 1; });
}

}  // namespace
}  // namespace systole::isa
