// NumPy's .npy: magic, version, header length, a Python dictionary as text, elements (NEP 1).
//
// The dictionary has three known keys, so it is searched for them rather than parsed as Python.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "formats/tensor_bytes.h"
#include "formats/tensor_files.h"

namespace systole::formats {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxRank = 32;

struct NpyType {
  std::string_view descr;
  DType type;
};
constexpr auto kNpyTypes = std::to_array<NpyType>({{"<f4", DType::kFloat32},
                                                   {"<f8", DType::kFloat64},
                                                   {"|u1", DType::kUint8},
                                                   {"|i1", DType::kInt8},
                                                   {"<u2", DType::kUint16},
                                                   {"<i2", DType::kInt16},
                                                   {"<i4", DType::kInt32},
                                                   {"<i8", DType::kInt64},
                                                   {"|b1", DType::kBool},
                                                   {"<u4", DType::kUint32},
                                                   {"<u8", DType::kUint64}});

// What follows "'key':" and its blanks, up to the header's end.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& where) {
  const std::string quoted_key = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted_key);
  if (at == std::string_view::npos) {
    throw InputError(where, fmt::format("its .npy header has no {}", quoted_key),
                     "descr, fortran_order and shape");
  }
  std::string_view rest = header.substr(at + quoted_key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

constexpr std::string_view kHalf = "'<f2'";  // float16, which is widened

DType type_of(std::string_view header, const std::string& where) {
  std::string_view text = value_of(header, "descr", where);
  std::string known;
  for (const NpyType& t : kNpyTypes) {
    if (text.starts_with(fmt::format("'{}'", t.descr))) return t.type;
    known += fmt::format("{}{}", known.empty() ? "one of " : " ", t.descr);
  }
  text = text.substr(0, text.find(','));
  throw InputError(where, fmt::format("element type {}", text.substr(0, 40)), known + " <f2");
}

// "(3, 4)", "(3,)" or "()".
Shape shape_of(std::string_view header, const std::string& where) {
  std::string_view text = value_of(header, "shape", where);
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) {
    throw InputError(where, "its .npy header has no shape", "a tuple");
  }
  text = text.substr(1, end - 1);
  Shape shape;
  while (!text.empty()) {
    std::int64_t extent = 0;
    const auto [next, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc() || shape.size() == kMaxRank) {
      throw InputError(where, "its .npy header has a malformed shape", "a tuple of integers");
    }
    shape.push_back(extent);
    text.remove_prefix(static_cast<std::size_t>(next - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
  }
  return shape;
}

// What lies before the elements.
struct Preamble {
  std::string_view header;  // the dictionary
  std::size_t bytes;        // of all of it
};

// Nothing if `bytes` ends inside it.
std::optional<Preamble> preamble_of(std::span<const std::uint8_t> bytes, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (bytes.size() < 12 || !text.starts_with(kMagic)) {
    throw InputError(where, "has no .npy header", "a whole .npy file");
  }
  const int version = bytes[kMagic.size()];
  if (version < 1 || version > 3) {
    throw InputError(where, fmt::format(".npy format {}", version), "format 1, 2 or 3");
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t start = kMagic.size() + 2 + length_bytes;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    length |= std::size_t{bytes[kMagic.size() + 2 + i]} << (8 * i);
  }
  if (length > bytes.size() - start) return std::nullopt;
  return Preamble{text.substr(start, length), start + length};
}

bool is_half(std::string_view header, const std::string& where) {
  return value_of(header, "descr", where).starts_with(kHalf);
}

}  // namespace

std::optional<std::int64_t> npy_stated_size(std::span<const std::uint8_t> head,
                                            const std::string& where) {
  const auto preamble = preamble_of(head, where);
  if (!preamble) return std::nullopt;
  const std::string_view header = preamble->header;
  const bool half = is_half(header, where);
  const DType type = half ? DType::kUint16 : type_of(header, where);
  const std::int64_t elements = element_count(shape_of(header, where), where);
  return static_cast<std::int64_t>(preamble->bytes) + elements * dtype_bytes(type);
}

Tensor parse_npy(std::span<const std::uint8_t> bytes, const std::string& where) {
  const auto preamble = preamble_of(bytes, where);
  if (!preamble) throw InputError(where, "ends inside its .npy header", "a whole .npy file");
  const std::string_view header = preamble->header;
  if (!value_of(header, "fortran_order", where).starts_with("False")) {
    throw InputError(where, "is in Fortran order", "C order (numpy.ascontiguousarray)");
  }
  const auto elements = bytes.subspan(preamble->bytes);
  if (is_half(header, where)) return tensor_from_halves(shape_of(header, where), elements, where);
  return tensor_from_bytes(type_of(header, where), shape_of(header, where), elements, where);
}

std::vector<std::uint8_t> npy_bytes(const Tensor& tensor) {
  std::string_view descr;
  for (const NpyType& t : kNpyTypes) {
    if (t.type == tensor.type) descr = t.descr;
  }
  std::string shape;
  for (const std::int64_t extent : tensor.shape) shape += fmt::format("{}, ", extent);
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  constexpr std::size_t kAlignment = 64;  // of the elements, as NEP 1 asks
  const std::size_t prefix = kMagic.size() + 4;
  const std::size_t unpadded = prefix + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
           static_cast<char>(header.size() >> 8)};
  file += header;
  std::vector<std::uint8_t> bytes(file.size() + tensor.data.size());
  const auto elements = std::copy(file.begin(), file.end(), bytes.begin());
  std::copy(tensor.data.begin(), tensor.data.end(), elements);
  return bytes;
}

}  // namespace systole::formats
