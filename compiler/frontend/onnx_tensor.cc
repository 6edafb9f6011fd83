// ONNX tensors: every length is checked against the shape before a byte is read.
//
// External data (ONNX external data specification, docs/ExternalData.md of the ONNX repository) are
// read by range, from a regular file whose real path lies inside the model's real folder.
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include "base/file_uses.h"
#include "base/files.h"
#include "base/fnv.h"
#include "base/numerics.h"
#include "base/onnx_type.h"
#include "compiler/frontend/onnx_file.h"

namespace systole::compiler {
namespace {

static_assert(std::endian::native == std::endian::little, "raw tensor data are little-endian");

using Proto = onnx::TensorProto;
using ByteVector = std::vector<std::uint8_t>;

enum class Field { kFloat, kInt32, kInt64, kDouble, kUint64 };

// How an ONNX type is stored, and what it becomes.
struct TypeRow {
  int onnx;
  std::int64_t bytes;
  Field field;  // the typed field, when raw_data is not used
  DType type;
};
constexpr auto kTypes = std::to_array<TypeRow>({
    {Proto::FLOAT, 4, Field::kFloat, DType::kFloat32},
    {Proto::UINT8, 1, Field::kInt32, DType::kUint8},
    {Proto::INT8, 1, Field::kInt32, DType::kInt8},
    {Proto::UINT16, 2, Field::kInt32, DType::kUint16},
    {Proto::INT16, 2, Field::kInt32, DType::kInt16},
    {Proto::INT32, 4, Field::kInt32, DType::kInt32},
    {Proto::INT64, 8, Field::kInt64, DType::kInt64},
    {Proto::BOOL, 1, Field::kInt32, DType::kBool},
    {Proto::FLOAT16, 2, Field::kInt32, DType::kFloat32},
    {Proto::BFLOAT16, 2, Field::kInt32, DType::kFloat32},
    {Proto::DOUBLE, 8, Field::kDouble, DType::kFloat32},
    {Proto::UINT32, 4, Field::kUint64, DType::kUint32},
    {Proto::UINT64, 8, Field::kUint64, DType::kUint64},
});

const TypeRow& type_row(int onnx_type, const std::string& where) {
  for (const TypeRow& row : kTypes) {
    if (row.onnx == onnx_type) return row;
  }
  std::string known;
  for (const TypeRow& row : kTypes) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", onnx_type_name(row.onnx));
  }
  throw InputError(where, "ONNX element type " + onnx_type_name(onnx_type), "one of " + known);
}

struct External {
  std::filesystem::path file;
  std::int64_t offset = 0;
};

std::int64_t parse_size(const std::string& text, const std::string& where) {
  const bool digits = !text.empty() && text.size() <= 18 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits) throw InputError(where, "external data size '" + text + "'", "a number of bytes");
  return std::stoll(text);
}

// The real path of `location`, which must stay inside the model's folder.
std::filesystem::path resolve(const std::string& model, const std::string& location,
                              const std::string& where) {
  namespace fs = std::filesystem;
  const fs::path relative(location);
  bool inside = !location.empty() && relative.is_relative();
  inside = inside && location.find('\0') == std::string::npos;
  for (const fs::path& part : relative) inside = inside && part != "..";
  std::error_code error;
  const fs::path parent = fs::path(model).parent_path();
  const fs::path folder = fs::canonical(parent.empty() ? "." : parent, error);
  const fs::path file = inside ? fs::canonical(folder / relative, error) : fs::path();
  if (inside && error) {
    throw InputError(where, "external data '" + location + "' cannot be read: " + error.message(),
                     "a file in the model's folder");
  }
  const fs::path below = file.lexically_relative(folder);
  inside = inside && !below.empty() && *below.begin() != "..";
  if (!inside) {
    throw InputError(where, "external data '" + location + "' is outside the model's folder",
                     "a file in it");
  }
  if (!fs::is_regular_file(file, error)) {
    throw InputError(where, "external data '" + location + "' is not a file", "a regular file");
  }
  return file;
}

External check_external(const std::string& model, const Proto& proto, std::int64_t bytes,
                        const std::string& where) {
  std::string location;
  std::optional<std::int64_t> length;
  External external;
  for (const onnx::StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") external.offset = parse_size(entry.value(), where);
    if (entry.key() == "length") length = parse_size(entry.value(), where);
  }
  if (length && *length != bytes) {
    throw InputError(where, fmt::format("{} bytes of external data", *length),
                     fmt::format("{} for its shape", bytes));
  }
  external.file = resolve(model, location, where);
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(external.file));
  if (external.offset > size || bytes > size - external.offset) {
    throw InputError(where, fmt::format("external data '{}' has {} bytes", location, size),
                     fmt::format("at least {}", external.offset + bytes));
  }
  return external;
}

int field_size(const Proto& proto, Field field) {
  switch (field) {
    case Field::kFloat:
      return proto.float_data_size();
    case Field::kInt32:
      return proto.int32_data_size();
    case Field::kInt64:
      return proto.int64_data_size();
    case Field::kDouble:
      return proto.double_data_size();
    case Field::kUint64:
      return proto.uint64_data_size();
  }
  SYSTOLE_CHECK(false, "field {}", static_cast<int>(field));
}

struct Checked {
  const TypeRow* row;
  Shape shape;
  std::int64_t bytes;
  std::optional<External> external;
  std::string where;
};

Checked check(const OnnxFile& file, const Proto& proto) {
  const std::string where = fmt::format("{}: tensor '{}'", file.path, proto.name());
  const TypeRow& row = type_row(proto.data_type(), where);
  Shape shape(proto.dims().begin(), proto.dims().end());
  const std::int64_t count = element_count(shape, where);
  Checked checked{&row, std::move(shape), count * row.bytes, {}, where};
  if (proto.has_segment()) throw InputError(where, "is stored in segments", "a whole tensor");
  if (proto.data_location() == Proto::EXTERNAL) {
    checked.external = check_external(file.path, proto, checked.bytes, where);
    return checked;
  }
  const bool raw = proto.has_raw_data();
  const auto found = raw ? static_cast<std::int64_t>(proto.raw_data().size())
                         : std::int64_t{field_size(proto, row.field)};
  if (found != (raw ? checked.bytes : count)) {
    throw InputError(
        where, fmt::format("{} {} of data", found, raw ? "bytes" : "elements"),
        fmt::format("{} for shape {}", raw ? checked.bytes : count, shape_text(checked.shape)));
  }
  return checked;
}

template <typename Values>
ByteVector copy_bytes(const Values& values) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  return {first, first + static_cast<std::size_t>(values.size()) * sizeof(*values.data())};
}

bool fits(std::int32_t value, DType type) {
  switch (type) {
    case DType::kInt8:
      return value >= -128 && value <= 127;
    case DType::kInt16:
      return value >= -32768 && value <= 32767;
    case DType::kUint8:
      return value >= 0 && value <= 255;
    case DType::kBool:
      return value >= 0 && value <= 1;
    default:  // uint16, and the bits of float16 and bfloat16
      return value >= 0 && value <= 65535;
  }
}

// int32_data hold one narrower element each.
ByteVector narrow_bytes(const Proto& proto, const Checked& checked) {
  if (checked.row->bytes == 4) return copy_bytes(proto.int32_data());
  ByteVector bytes;
  bytes.reserve(static_cast<std::size_t>(checked.bytes));
  for (const std::int32_t value : proto.int32_data()) {
    if (!fits(value, checked.row->type)) {
      throw InputError(checked.where, fmt::format("value {} is out of range", value),
                       fmt::format("{} values", dtype_name(checked.row->type)));
    }
    bytes.push_back(static_cast<std::uint8_t>(value & 0xff));
    if (checked.row->bytes == 2) bytes.push_back(static_cast<std::uint8_t>((value >> 8) & 0xff));
  }
  return bytes;
}

// uint64_data hold one uint32 each.
template <typename Values>
ByteVector low_words(const Values& values, const Checked& checked) {
  std::vector<std::uint32_t> words;
  for (const std::uint64_t value : values) {
    if (value > std::numeric_limits<std::uint32_t>::max())
      throw InputError(checked.where, fmt::format("value {} is out of range", value),
                       "uint32 values");
    words.push_back(static_cast<std::uint32_t>(value));
  }
  return copy_bytes(words);
}

ByteVector external_bytes(const Checked& checked) {
  note_read(checked.external->file);
  std::ifstream in(checked.external->file, std::ios::binary);
  in.seekg(checked.external->offset);
  ByteVector bytes(static_cast<std::size_t>(checked.bytes));
  in.read(reinterpret_cast<char*>(bytes.data()), checked.bytes);
  if (!in)
    throw InputError(
        checked.where, "external data cannot be read",
        fmt::format("{} bytes from byte {} on", checked.bytes, checked.external->offset));
  return bytes;
}

ByteVector stored_bytes(const Proto& proto, const Checked& checked) {
  if (checked.external) return external_bytes(checked);
  if (proto.has_raw_data()) return copy_bytes(proto.raw_data());
  switch (checked.row->field) {
    case Field::kFloat:
      return copy_bytes(proto.float_data());
    case Field::kInt32:
      return narrow_bytes(proto, checked);
    case Field::kInt64:
      return copy_bytes(proto.int64_data());
    case Field::kDouble:
      return copy_bytes(proto.double_data());
    case Field::kUint64:
      return checked.row->bytes == 8 ? copy_bytes(proto.uint64_data())
                                     : low_words(proto.uint64_data(), checked);
  }
  SYSTOLE_CHECK(false, "field {}", static_cast<int>(checked.row->field));
}

template <typename Stored, typename Widen>
void widen_all(const ByteVector& bytes, std::span<float> to, Widen widen) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    to[i] = widen(value);
  }
}

}  // namespace

void check_tensor(const OnnxFile& file, const Proto& proto) { check(file, proto); }

Tensor read_tensor(OnnxFile& file, const Proto& proto) {
  const Checked checked = check(file, proto);
  ByteVector bytes = stored_bytes(proto, checked);
  if (checked.external) file.hash = fnv1a(bytes, file.hash);
  if (checked.row->onnx == Proto::BOOL) {
    for (std::uint8_t& byte : bytes) byte = byte != 0 ? 1 : 0;
  }
  Tensor t;
  t.type = checked.row->type;
  t.shape = checked.shape;
  const bool widened = t.type == DType::kFloat32 && checked.row->onnx != Proto::FLOAT;
  if (!widened) {
    t.data = std::move(bytes);
    return t;
  }
  t = Tensor(DType::kFloat32, checked.shape);
  if (checked.row->onnx == Proto::DOUBLE) {
    widen_all<double>(bytes, t.as<float>(), [](double v) { return static_cast<float>(v); });
  } else if (checked.row->onnx == Proto::FLOAT16) {
    widen_all<std::uint16_t>(bytes, t.as<float>(), widen_half);
  } else {
    widen_all<std::uint16_t>(bytes, t.as<float>(), [](std::uint16_t bits) {
      return std::bit_cast<float>(std::uint32_t{bits} << 16);
    });
  }
  return t;
}

DType graph_type(int onnx_type, const std::string& where) {
  return type_row(onnx_type, where).type;
}

}  // namespace systole::compiler
