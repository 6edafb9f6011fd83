// Lists of numbers as text: in full, as one number repeated, or as a hash.
#include "compiler/ir/number_list.h"

#include <algorithm>
#include <cstring>

#include "base/fnv.h"

namespace systole::compiler {
namespace {

template <typename T>
std::string number_text(const std::uint8_t* bytes) {
  T number{};
  std::memcpy(&number, bytes, sizeof number);
  if constexpr (std::is_same_v<T, bool>) return number ? "1" : "0";
  if constexpr (std::is_same_v<T, Bfloat16>) return fmt::format("{}", float{number});
  return fmt::format("{}", number);
}

template <typename T>
std::string in_full(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(T))
    text += (i == 0 ? "" : ", ") + number_text<T>(bytes.data() + i);
  return "[" + text + "]";
}

// Whether each element, of this many bytes, is the one before it.
bool all_alike(std::span<const std::uint8_t> bytes, std::size_t size) {
  return std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end(), bytes.begin());
}

}  // namespace

std::string hash_text(std::span<const std::uint8_t> bytes) {
  return fmt::format("{:016x}", fnv1a(bytes));
}

std::string list_text(DType type, std::span<const std::uint8_t> bytes, LongLists* long_lists) {
  std::string text;
  with_element_type(type, [&](auto zero) {
    using T = decltype(zero);
    const std::size_t count = bytes.size() / sizeof(T);
    if (count <= kMostWritten) {
      text = in_full<T>(bytes);
    } else if (all_alike(bytes, sizeof(T))) {
      text = fmt::format("[{} x {}]", number_text<T>(bytes.data()), count);
    } else {
      const std::string hash = hash_text(bytes);
      text = std::string(kHashMark) + hash;
      if (long_lists != nullptr) (*long_lists)[hash].assign(bytes.begin(), bytes.end());
    }
  });
  return text;
}

}  // namespace systole::compiler
