// The last step of every tensor reader: a block of little-endian elements becomes a Tensor.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/tensor.h"

namespace systole::formats {

// Throws InputError naming `where` unless `bytes` is exactly as long as type and shape say; nothing
// is allocated before that is known.
[[nodiscard]] Tensor tensor_from_bytes(DType type, Shape shape, std::span<const std::uint8_t> bytes,
                                       const std::string& where);

// The same for float16 elements, which become float32.
[[nodiscard]] Tensor tensor_from_halves(Shape shape, std::span<const std::uint8_t> bytes,
                                        const std::string& where);
// How many bytes a .npy file has by its header; nothing if `head` ends inside the header. Throws
// InputError naming `where` for what parse_npy refuses.
[[nodiscard]] std::optional<std::int64_t> npy_stated_size(std::span<const std::uint8_t> head,
                                                          const std::string& where);

// A tensor whose uint16 elements are the bits of float16 numbers, as float32.
[[nodiscard]] Tensor widen_halves(const Tensor& bits);

}  // namespace systole::formats
