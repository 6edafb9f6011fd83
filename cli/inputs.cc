// Random values come from std::mt19937_64 and its raw bits only, so they are the same everywhere.
#include "cli/inputs.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "base/terminal.h"
#include "formats/tensor_files.h"

namespace systole::cli {
namespace {

constexpr std::string_view kRandom = "random";

// The seed of "random" or "random:SEED"; nothing if the text is a file name.
std::optional<std::uint64_t> random_seed(const std::string& text) {
  if (text == kRandom) return 0;
  const std::string prefix = std::string(kRandom) + ":";
  if (!text.starts_with(prefix)) return std::nullopt;
  std::uint64_t seed = 0;
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data() + prefix.size(), end, seed);
  if (error != std::errc() || next != end) {
    throw InputError(text, "has no such seed", "random:SEED, a whole number from 0 to 2^64 - 1");
  }
  return seed;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Splits "NAME=FILE" at the longest NAME that is an input's; text before a '=' that is none belongs
// to the file's name, unless nothing by that name can be meant.
std::pair<std::string, std::string> split_name(const std::string& argument,
                                               const std::vector<std::string>& names,
                                               const std::string& option) {
  const std::string* named = nullptr;
  for (const std::string& name : names) {
    const bool longer = named == nullptr || name.size() > named->size();
    if (longer && argument.starts_with(name + "=")) named = &name;
  }
  if (argument.empty() || (named != nullptr && argument.size() == named->size() + 1)) {
    throw InputError(option + " " + argument, "names no file", "NAME=FILE");
  }
  if (named != nullptr) return {*named, argument.substr(named->size() + 1)};
  const std::string first = argument.substr(0, argument.find('='));
  if (first != argument && first.find('/') == std::string::npos) {
    throw InputError(option + " " + argument, fmt::format("no input is named '{}'", first),
                     list(names));
  }
  if (names.size() != 1) {
    throw InputError(option + " " + argument, "does not say which input it is for",
                     "NAME=FILE with NAME one of " + list(names));
  }
  return {names.front(), argument};
}

Tensor random_tensor(DType type, const Shape& shape, std::uint64_t seed) {
  Tensor tensor(type, shape);
  std::mt19937_64 generator(seed);
  if (type == DType::kFloat32) {
    for (float& x : tensor.as<float>()) {
      x = static_cast<float>(generator() >> 40) * 0x1p-24F;  // uniform in [0, 1)
    }
    return tensor;
  }
  const bool is_byte = dtype_bytes(type) == 1;
  if (!is_byte || type == DType::kBool) {
    throw InputError("--input", fmt::format("no random values for {}", dtype_name(type)), "a file");
  }
  for (std::uint8_t& x : tensor.data) x = static_cast<std::uint8_t>(generator() >> 56);
  return tensor;
}

// The file's elements as `type`, if that is a conversion a user would expect.
Tensor convert(const std::string& name, const InputSource& source, DType type) {
  const Tensor& from = source.tensor;
  if (from.type == type) return from;
  const std::string where = fmt::format("{} (input {})", source.origin, name);
  if (type != DType::kFloat32 || (from.type != DType::kUint8 && from.type != DType::kFloat64)) {
    throw InputError(where, fmt::format("has element type {}", dtype_name(from.type)),
                     std::string(dtype_name(type)));
  }
  Tensor to(type, from.shape);
  const auto out = to.as<float>();
  if (from.type == DType::kUint8) {
    const auto in = from.as<std::uint8_t>();
    std::transform(in.begin(), in.end(), out.begin(),
                   [](std::uint8_t x) { return static_cast<float>(x) / 255.0F; });
    note(fmt::format("{}: bytes become x / 255", where));
  } else {
    const auto in = from.as<double>();
    std::transform(in.begin(), in.end(), out.begin(),
                   [](double x) { return static_cast<float>(x); });
    note(fmt::format("{}: float64 is narrowed to float32", where));
  }
  return to;
}

std::int64_t row_elements(const Shape& shape) {
  return shape.empty() ? 1 : element_count(Shape(shape.begin() + 1, shape.end()));
}

std::string place(const std::string& name, const InputSource& source) {
  return fmt::format("{} (input {})", source.origin, name);
}

void require_row_elements(const std::string& name, const InputSource& source, const Shape& shape) {
  const Shape& found = source.tensor.shape;
  if (row_elements(found) == row_elements(shape)) return;
  throw InputError(
      place(name, source), fmt::format("has shape {}", shape_text(found)),
      fmt::format("{} elements a row, as in {}", row_elements(shape), shape_text(shape)));
}

// Infinities saturate when they are quantised; what NaN becomes is nobody's rule.
void require_numbers(const std::string& name, const InputSource& source, const Tensor& tensor) {
  if (tensor.type != DType::kFloat32) return;
  const auto values = tensor.as<float>();
  const auto found = std::find_if(values.begin(), values.end(), [](float v) { return v != v; });
  if (found == values.end()) return;
  throw InputError(place(name, source), fmt::format("element {} is NaN", found - values.begin()),
                   "numbers");
}

}  // namespace

InputSource read_source(const std::string& text) {
  if (const auto seed = random_seed(text)) {
    return {.is_random = true, .seed = *seed, .origin = text, .tensor = {}};
  }
  return {.is_random = false, .seed = 0, .origin = text, .tensor = formats::read_tensor_file(text)};
}

std::map<std::string, InputSource> read_sources(const std::vector<std::string>& arguments,
                                                const std::vector<std::string>& names,
                                                const std::string& option) {
  std::map<std::string, InputSource> sources;
  for (const std::string& argument : arguments) {
    const auto [name, text] = split_name(argument, names, option);
    if (!sources.emplace(name, read_source(text)).second) {
      throw InputError(option, fmt::format("input '{}' is given twice", name), "once");
    }
  }
  for (const std::string& name : names) {
    if (sources.emplace(name, InputSource{}).second) {
      note(fmt::format("no {} for '{}': random:0", option, name));
    }
  }
  return sources;
}

void match_rows(const std::string& name, InputSource& source, const Shape& shape) {
  if (source.is_random || shape.empty()) return;
  Shape& found = source.tensor.shape;
  if (found.empty()) {
    throw InputError(
        place(name, source), "is a single number",
        fmt::format("rows of {} elements, as in {}", row_elements(shape), shape_text(shape)));
  }
  const bool is_one_row = source.tensor.count() == row_elements(shape);
  if (is_one_row && row_elements(found) != row_elements(shape)) {
    note(fmt::format("{}: shape {} is taken as one row", place(name, source), shape_text(found)));
    found.insert(found.begin(), 1);
  }
  require_row_elements(name, source, shape);
}

void match_shape(const std::string& name, const InputSource& source, const Shape& shape) {
  if (source.is_random) return;
  const auto long_dims = [](Shape dims) {
    std::erase(dims, 1);
    return dims;
  };
  if (long_dims(source.tensor.shape) == long_dims(shape)) return;
  throw InputError(place(name, source),
                   fmt::format("has shape {}", shape_text(source.tensor.shape)), shape_text(shape));
}

void truncate_rows(Tensor& tensor, std::int64_t rows) {
  if (tensor.shape.empty() || tensor.shape.front() <= rows) return;
  tensor.data.resize(tensor.data.size() / static_cast<std::size_t>(tensor.shape.front()) *
                     static_cast<std::size_t>(rows));
  tensor.shape.front() = rows;
}

std::int64_t source_rows(const std::map<std::string, InputSource>& sources,
                         const std::set<std::string>& without_rows) {
  std::int64_t rows = 0;
  for (const auto& [name, source] : sources) {
    if (source.is_random || without_rows.contains(name)) continue;
    const Shape& shape = source.tensor.shape;
    const std::int64_t found = shape.empty() ? 1 : shape.front();
    if (found == 0) throw InputError(source.origin, "holds no rows", "at least one");
    if (rows != 0 && found != rows) {
      throw InputError(source.origin, fmt::format("holds {} rows", found),
                       fmt::format("{}, as the other inputs", rows));
    }
    rows = found;
  }
  return rows;
}

Tensor fit_input(const std::string& name, const InputSource& source, DType type,
                 const Shape& shape) {
  if (source.is_random) return random_tensor(type, shape, source.seed);
  if (source.tensor.count() != element_count(shape)) require_row_elements(name, source, shape);
  Tensor converted = convert(name, source, type);
  require_numbers(name, source, converted);
  const std::int64_t wanted_bytes = element_count(shape) * dtype_bytes(type);
  if (converted.bytes() > wanted_bytes) {
    throw InputError(place(name, source),
                     fmt::format("has shape {}", shape_text(source.tensor.shape)),
                     fmt::format("at most {} rows", shape.empty() ? 1 : shape.front()));
  }
  converted.data.resize(static_cast<std::size_t>(wanted_bytes), 0);
  converted.shape = shape;
  return converted;
}

Tensor repeated(Tensor tensor, std::int64_t count, const Shape& shape) {
  const std::vector<std::uint8_t> once = tensor.data;
  for (std::int64_t i = 1; i < count; ++i)
    tensor.data.insert(tensor.data.end(), once.begin(), once.end());
  tensor.shape = shape;
  return tensor;
}

}  // namespace systole::cli
