// HostView: on random tensor tables and random transfers, two transfers meet in the view exactly if
// they share a byte, and a whole column block of a tensor is one rectangle.
#include "isa/host_view.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace systole::isa {
namespace {

using Random = std::mt19937_64;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

// What makes a program's tensors with such rows ones of rectangles.
Insn strided_read(std::int64_t stride) {
  ReadHost read;
  read.stride = stride;
  return read;
}

Program random_tensors(Random& random) {
  Program program;
  std::int64_t next = pick(random, 0, 9);
  for (int i = 0; i < 4; ++i) {
    const Shape shape = {pick(random, 1, 6), pick(random, 1, 8)};
    program.tensors.push_back({"t", DType::kUint8, shape, Role::kIntermediate, next});
    if (random() % 4 == 0) {  // a view of the same bytes
      program.tensors.push_back(
          {"v", DType::kUint8, {shape[0] * shape[1]}, Role::kIntermediate, next});
    }
    next += shape[0] * shape[1] + pick(random, 0, 5);
  }
  for (std::int64_t stride = 1; stride <= 8; ++stride) {
    if (random() % 2 == 0) program.code.emplace_back(strided_read(stride));
  }
  program.host_bytes = next + 20;
  return program;
}

HostRows random_rows(Random& random, const Program& program) {
  HostRows rows;
  rows.address = pick(random, 0, program.host_bytes - 20);
  rows.stride = pick(random, 1, 8);
  rows.bytes = pick(random, 1, 8);
  const std::int64_t room = program.host_bytes - rows.address - rows.bytes;
  rows.rows = pick(random, 1, 1 + room / rows.stride);
  return rows;
}

std::set<std::int64_t> bytes_of(const HostRows& rows) {
  std::set<std::int64_t> bytes;
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    for (std::int64_t b = 0; b < rows.bytes; ++b) bytes.insert(rows.address + i * rows.stride + b);
  }
  return bytes;
}

bool meet(const std::vector<Access>& a, const std::vector<Access>& b) {
  for (const Access& x : a) {
    for (const Access& y : b) {
      const bool rows = x.begin < y.end && y.begin < x.end;
      if (rows && x.lane_begin < y.lane_end && y.lane_begin < x.lane_end) return true;
    }
  }
  return false;
}

TEST(HostView, TransfersMeetExactlyIfTheyShareAByte) {
  Random random(20261121);
  int shared = 0, apart = 0;
  for (int i = 0; i < 5'000; ++i) {
    const Program program = random_tensors(random);
    const HostView view(program);
    const HostRows a = random_rows(random, program), b = random_rows(random, program);
    std::vector<Access> in_a, in_b;
    view.add(a, in_a);
    view.add(b, in_b);
    std::set<std::int64_t> all = bytes_of(a);
    const std::size_t separate = all.size() + bytes_of(b).size();
    all.merge(bytes_of(b));
    ASSERT_EQ(meet(in_a, in_b), all.size() < separate) << i;
    ++(all.size() < separate ? shared : apart);
  }
  EXPECT_GT(shared, 500);
  EXPECT_GT(apart, 500);
}

TEST(HostView, AColumnBlockIsOneRectangle) {
  Program program;
  program.tensors.push_back({"x", DType::kInt32, {1000, 10}, Role::kInput, 64});
  program.code.emplace_back(strided_read(40));
  std::vector<Access> out;
  HostView(program).add({64 + 8, 40, 1000, 12, false}, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].begin, 64);
  EXPECT_EQ(out[0].end, 64 + 1000);
  EXPECT_EQ(out[0].lane_begin, 8);
  EXPECT_EQ(out[0].lane_end, 20);
  EXPECT_FALSE(out[0].write);
}

// Listing them all would take gigabytes.
TEST(HostView, VeryManyRowsAreGivenAsTheirHull) {
  const Program program;
  std::vector<Access> out;
  HostView(program).add({64, 2, 16'777'215, 1, false}, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].begin, 64);
  EXPECT_EQ(out[0].end, 64 + 2 * 16'777'214 + 1);
}

TEST(HostView, BytesStayBytesWhereNoTransferHasTheTensorsRows) {
  Program program;
  program.tensors.push_back({"x", DType::kUint8, {2, 1000}, Role::kInput, 64});
  program.code.emplace_back(strided_read(10));
  std::vector<Access> out;
  HostView(program).add({64, 10, 3, 4, true}, out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[2].begin, 64 + 20);
  EXPECT_EQ(out[2].end, 64 + 24);
  EXPECT_EQ(out[2].lane_begin, 0);
  EXPECT_EQ(out[2].lane_end, 1);
}

}  // namespace
}  // namespace systole::isa
