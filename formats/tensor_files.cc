// Telling file kinds apart; IDX; the parts all readers share.
//
// IDX: two zero bytes, a type byte, the number of dimensions, big-endian 32-bit sizes, big-endian
// elements (Y. LeCun, C. Cortes, "The MNIST database of handwritten digits").
#include "formats/tensor_files.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/numerics.h"
#include "base/read_file.h"
#include "formats/tensor_bytes.h"
#include "isa/file_kind.h"

namespace systole::formats {
namespace {

constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 31;
constexpr std::uint8_t kDimsTag = 0x08, kTypeTag = 0x10;  // fields that a TensorProto begins with
constexpr std::string_view kKinds = "a .npy, IDX (plain or .gz) or ONNX .pb tensor file";

struct IdxType {
  std::uint8_t code;
  DType type;
};
constexpr auto kIdxTypes = std::to_array<IdxType>({{0x08, DType::kUint8},
                                                   {0x09, DType::kInt8},
                                                   {0x0B, DType::kInt16},
                                                   {0x0C, DType::kInt32},
                                                   {0x0D, DType::kFloat32},
                                                   {0x0E, DType::kFloat64}});

std::optional<DType> idx_type(std::uint8_t code) {
  for (const IdxType& t : kIdxTypes) {
    if (t.code == code) return t.type;
  }
  return std::nullopt;
}

struct IdxHeader {
  DType type;
  Shape shape;
  std::size_t bytes;  // of the header
};

IdxHeader idx_header(std::span<const std::uint8_t> bytes, const std::string& where) {
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0 || !idx_type(bytes[2])) {
    throw InputError(where, "has no IDX header", std::string(kKinds));
  }
  const std::size_t rank = bytes[3];
  IdxHeader header{*idx_type(bytes[2]), {}, 4 + 4 * rank};
  if (bytes.size() < header.bytes) {
    throw InputError(where, "ends inside its IDX header", "a whole file");
  }
  for (std::size_t at = 4; at < header.bytes; at += 4) {
    std::uint32_t extent = 0;
    for (std::size_t i = 0; i < 4; ++i) extent = extent << 8 | bytes[at + i];
    header.shape.push_back(extent);
  }
  return header;
}

using Head = std::span<const std::uint8_t>;

std::optional<std::int64_t> idx_stated_size(Head head, const std::string& where) {
  const IdxHeader header = idx_header(head, where);
  return static_cast<std::int64_t>(header.bytes) +
         element_count(header.shape, where) * dtype_bytes(header.type);
}

std::optional<std::int64_t> unknown_size(Head, const std::string&) { return std::nullopt; }

// A kind of tensor file: how many bytes its header states, and its reader.
struct Kind {
  std::optional<std::int64_t> (*stated_size)(Head head, const std::string& where);
  Tensor (*parse)(std::span<const std::uint8_t> bytes, const std::string& where);
};

Kind kind_of(Head head, const std::string& path) {
  constexpr std::array<std::uint8_t, 6> kNpyMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (head.size() >= kNpyMagic.size() &&
      std::equal(kNpyMagic.begin(), kNpyMagic.end(), head.begin())) {
    return {npy_stated_size, parse_npy};
  }
  const bool is_proto = !head.empty() && (head[0] == kDimsTag || head[0] == kTypeTag);
  if (is_proto || isa::has_ending(isa::unpacked_name(path), ".pb"))
    return {unknown_size, parse_tensor_proto};
  if (head.size() >= 4 && head[0] == 0 && head[1] == 0) return {idx_stated_size, parse_idx};
  throw InputError(path, "is not a tensor file", std::string(kKinds));
}

}  // namespace

Tensor tensor_from_bytes(DType type, Shape shape, std::span<const std::uint8_t> bytes,
                         const std::string& where) {
  const std::int64_t expected = element_count(shape, where) * dtype_bytes(type);
  const auto found = static_cast<std::int64_t>(bytes.size());
  if (found != expected) {
    throw InputError(
        where, fmt::format("holds {} bytes of elements", found),
        fmt::format("{} bytes for {} {}", expected, dtype_name(type), shape_text(shape)));
  }
  Tensor tensor(type, std::move(shape));
  std::copy(bytes.begin(), bytes.end(), tensor.data.begin());
  if (type == DType::kBool) {  // any byte but 0 and 1 is no bool to the compiler
    for (std::uint8_t& b : tensor.data) b = b != 0 ? 1 : 0;
  }
  return tensor;
}

Tensor widen_halves(const Tensor& bits) {
  Tensor tensor(DType::kFloat32, bits.shape);
  const auto in = bits.as<std::uint16_t>();
  std::transform(in.begin(), in.end(), tensor.as<float>().begin(), widen_half);
  return tensor;
}

Tensor tensor_from_halves(Shape shape, std::span<const std::uint8_t> bytes,
                          const std::string& where) {
  return widen_halves(tensor_from_bytes(DType::kUint16, std::move(shape), bytes, where));
}

Tensor parse_idx(std::span<const std::uint8_t> bytes, const std::string& where) {
  const IdxHeader header = idx_header(bytes, where);
  Tensor tensor = tensor_from_bytes(header.type, header.shape, bytes.subspan(header.bytes), where);
  const std::int64_t width = dtype_bytes(header.type);
  for (auto at = tensor.data.begin(); at != tensor.data.end(); at += width) {
    std::reverse(at, at + width);
  }
  return tensor;
}

Tensor read_tensor_file(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(
      path, kMaxFileBytes, [&](Head head) { return kind_of(head, path).stated_size(head, path); });
  return kind_of(bytes, path).parse(bytes, path);
}

}  // namespace systole::formats
