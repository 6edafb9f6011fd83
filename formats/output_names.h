// Names of output files: a tensor's own name wherever a file can have it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace systole::formats {

// By tensor name, a file name without its ending that no other of them has. A name that a file
// cannot hold or a terminal should not show ('/', control characters, more than 200
// bytes, a leading dot, nothing at all) has '_' for each such character; if another tensor
// has that name, _2, _3 ... follow.
[[nodiscard]] std::map<std::string, std::string> output_file_names(
    const std::vector<std::string>& tensors);

}  // namespace systole::formats
