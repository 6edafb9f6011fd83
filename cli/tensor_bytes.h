// The last step of every tensor reader: a block of little-endian elements becomes a Tensor.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/tensor.h"

namespace systole::cli {

// Throws InputError naming `where` unless `bytes` is exactly as long as type and shape say; nothing
// is allocated before that is known.
[[nodiscard]] Tensor tensor_from_bytes(DType type, Shape shape, std::span<const std::uint8_t> bytes,
                                       const std::string& where);

}  // namespace systole::cli
