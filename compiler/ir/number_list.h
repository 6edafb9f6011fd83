// Lists of numbers in the text form of a graph: [1, 2, 3], or [0 x 4096] where all are alike, or
// hash:1234567890abcdef in place of many that differ.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace systole::compiler {

// Lists longer than this are not written in full.
inline constexpr std::size_t kMostWritten = 24;
inline constexpr std::string_view kHashMark = "hash:";

// The bytes of lists that stand as their hash in a text, by that hash.
using LongLists = std::map<std::string, std::vector<std::uint8_t>>;

// What hash:... stands for: 16 hexadecimal digits of FNV-1a over the bytes.
[[nodiscard]] std::string hash_text(std::span<const std::uint8_t> bytes);

// The numbers of this type that `bytes` hold. If only their hash is written they are put into
// `long_lists`, if given.
[[nodiscard]] std::string list_text(DType type, std::span<const std::uint8_t> bytes,
                                    LongLists* long_lists);

// The bytes of numbers.
template <typename T>
[[nodiscard]] std::span<const std::uint8_t> bytes_of(const std::vector<T>& numbers) {
  return {reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size() * sizeof(T)};
}

// Calls use(T{}) with the C++ type of an element.
template <typename Use>
void with_element_type(DType element, Use use) {
  switch (element) {
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) \
  case DType::name:                                  \
    return use(type{});
#include "base/dtype.def"
  }
}

}  // namespace systole::compiler
