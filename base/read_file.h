// Reading what a user names: which files are read, and how far. read_file() of files.h is this
// without a stated size.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace systole {

// What has no size of its own, a pipe or gzip, is read up to here, unless its header states more.
inline constexpr std::int64_t kMaxUnsizedBytes = std::int64_t{1} << 28;

// Given a file's first bytes (unpacked, 64 KiB of them if there are as many), how many bytes the
// whole must have, if they say so. Throws InputError if the file is not what was expected.
using StatedSize = std::function<std::optional<std::int64_t>(std::span<const std::uint8_t> head)>;

// The bytes of a file, or the unpacked bytes if it is gzip. The rules for everything a user names:
//  * a regular file is read, if it has at most max_bytes;
//  * a pipe (`<(command)`, /dev/stdin, a FIFO) is read until its writers close it. One that nobody
//    writes to within a second, or that is silent for a minute, is refused;
//  * folders, devices and sockets are refused;
//  * a pipe or gzip whose `stated_size` is unknown ends at kMaxUnsizedBytes, else at what it
//  states.
// Throws InputError where these say so, and for missing, unreadable and damaged files.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t max_bytes,
                                                  const StatedSize& stated_size);

}  // namespace systole
