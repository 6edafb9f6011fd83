// Suggestions: a typing error, a saying, a word of a key, and no suggestion where nothing is alike.
#include "isa/suggest.h"

#include <gtest/gtest.h>

#include "isa/machine.h"

namespace systole::isa {
namespace {

TEST(Suggest, KeysByTheirWordsAndByWhatPeopleSay) {
  std::vector<std::string> keys;
  for (const ParameterView& view : parameters(Machine{})) keys.push_back(view.key);
  const std::pair<const char*, const char*> kCases[] = {
      {"dram.bandwidth", "dram.bytes_per_second"},
      {"memory.bandwidth", "dram.bytes_per_second"},
      {"host.bandwidth", "host.bytes_per_second"},
      {"link.in_bandwidth", "link.in_bytes_per_second"},
      {"clock.frequency", "clock.hertz"},
      {"clock.mhz", "clock.hertz"},
      {"array.height", "array.rows"},
      {"array.width", "array.columns"},
      {"array.rowz", "array.rows"},
      {"array.colums", "array.columns"},
      {"rows", "array.rows"},
      {"unified_buffer.size", "unified_buffer.bytes"},
      {"accumulator.rows", "accumulators.rows"},
      {"weight_fifo.depth", "weight_fifo.tiles"},
      {"dram.t_rcd", "dram.trcd"}};
  for (const auto& [wrong, right] : kCases) EXPECT_EQ(nearest(wrong, keys), right) << wrong;
  for (const std::string& key : keys) EXPECT_EQ(nearest(key, keys), key);
}

TEST(Suggest, NothingWhereNothingIsAlike) {
  EXPECT_EQ(did_you_mean("tpuv1", {"edge_64", "tpu_v1"}), "; did you mean 'tpu_v1'?");
  EXPECT_EQ(did_you_mean("fly", {"run", "compile"}), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
  EXPECT_EQ(did_you_mean(std::string(100'000, 'a'), {"run"}), "");
}

}  // namespace
}  // namespace systole::isa
