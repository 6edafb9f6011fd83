// Names that stay come first, so that no other tensor's mended name takes one of theirs.
#include "formats/output_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/clean.h"

namespace systole::formats {
namespace {

constexpr std::size_t kLongest = 200;  // of the 255 bytes of a name, with room for its endings

std::string mended(std::string name) {
  name = replace_hazards(name, [](const Hazard&) { return "_"; });
  std::ranges::replace(name, '/', '_');
  if (name.empty()) return "output";
  if (name.front() == '.') name.front() = '_';
  std::size_t end = std::min(name.size(), kLongest);
  while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  return name.substr(0, end);
}

}  // namespace

std::map<std::string, std::string> output_file_names(const std::vector<std::string>& tensors) {
  std::map<std::string, std::string> files;
  std::set<std::string> taken;
  for (const std::string& tensor : tensors) {
    if (mended(tensor) == tensor && taken.insert(tensor).second) files[tensor] = tensor;
  }
  for (const std::string& tensor : tensors) {
    if (files.contains(tensor)) continue;
    const std::string stem = mended(tensor);
    std::string name = stem;
    for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", stem, i);
    files[tensor] = name;
  }
  return files;
}

}  // namespace systole::formats
