// Container: the .tpu file, as docs/formats.md describes it.
//
// Little endian: magic, version, then the sections in the order of kSections, each as a four-letter
// name, a 64-bit length and its bytes; at the end the CRC-32 of everything before (zlib's). The
// reader checks each count against the bytes that are left before it makes room for anything.
#include "isa/program.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>

#include "base/diag.h"
#include "isa/file_kind.h"
#include "isa/program_check.h"

namespace systole::isa {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 4;

constexpr std::size_t kHostOpCount = 0
#define SYSTOLE_HOST_OP(name, text, meaning) +1
#include "isa/host_ops.def"
    ;
constexpr std::size_t kDTypeCount = 0
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) +1
#include "base/dtype.def"
    ;
constexpr std::size_t kRoleCount = 4;

std::uint32_t checksum(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

// Appends numbers, little endian, and length-prefixed text and lists.
class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i)));
    }
  }
  void i64(std::int64_t value) { number(static_cast<std::uint64_t>(value)); }
  void f32(float value) { number(std::bit_cast<std::uint32_t>(value)); }
  void raw(std::span<const std::uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void raw(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void text(std::string_view text) {
    i64(std::ssize(text));
    raw(text);
  }
  void list(const std::vector<std::int64_t>& values) {
    i64(std::ssize(values));
    for (const std::int64_t value : values) i64(value);
  }
  [[nodiscard]] std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Takes them back, never past the end. Errors name `where` and the section.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, std::string where)
      : bytes_(bytes), where_(std::move(where)) {}

  std::span<const std::uint8_t> raw(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("is truncated", fmt::format("{} more bytes", count));
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += part.size();
    return part;
  }
  template <std::unsigned_integral T>
  T number() {
    std::uint64_t value = 0;
    const auto part = raw(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{part[i]} << (8 * i);
    return static_cast<T>(value);
  }
  std::int64_t i64() { return static_cast<std::int64_t>(number<std::uint64_t>()); }
  float f32() { return std::bit_cast<float>(number<std::uint32_t>()); }
  std::string text() {
    const auto part = raw(number<std::uint64_t>());
    return {part.begin(), part.end()};
  }
  // A count of items of at least `item_bytes` bytes each, which must still be there.
  std::size_t count(std::size_t item_bytes) {
    const auto items = number<std::uint64_t>();
    if (items > (bytes_.size() - at_) / item_bytes) {
      fail(fmt::format("has {} bytes left for {} entries", bytes_.size() - at_, items),
           fmt::format("at least {} bytes each", item_bytes));
    }
    return static_cast<std::size_t>(items);
  }
  std::vector<std::int64_t> list() {
    std::vector<std::int64_t> values(count(8));
    for (std::int64_t& value : values) value = i64();
    return values;
  }
  template <typename Enum>
  Enum choice(std::size_t count, const char* what) {
    const auto value = number<std::uint8_t>();
    if (value >= count) fail(fmt::format("{} {}", what, value), fmt::format("below {}", count));
    return static_cast<Enum>(value);
  }
  void expect_end() const {
    if (at_ != bytes_.size())
      fail(fmt::format("has {} bytes too many", bytes_.size() - at_), "the end");
  }
  [[noreturn]] void fail(const std::string& what, const std::string& expected) const {
    throw InputError(where_, what, expected);
  }
  [[nodiscard]] std::size_t offset() const { return at_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string where_;
  std::size_t at_ = 0;
};

void write_head(const Program& p, Writer& to) {
  to.text(p.model);
  to.text(p.model_hash);
  for (const std::int64_t value : {p.batch, p.batches, p.weight_bytes, p.host_bytes}) to.i64(value);
  to.number(static_cast<std::uint8_t>(p.has_values));
}
void read_head(Reader& from, Program& p) {
  p.model = from.text();
  p.model_hash = from.text();
  for (std::int64_t* value : {&p.batch, &p.batches, &p.weight_bytes, &p.host_bytes}) {
    *value = from.i64();
  }
  p.has_values = from.choice<std::uint8_t>(2, "has_values") == 1;
}

void write_machine(const Program& p, Writer& to) { to.raw(to_toml(p.machine)); }
void read_machine(Reader& from, Program& p, std::size_t bytes) {
  const auto part = from.raw(bytes);
  p.machine =
      machine_from_toml({reinterpret_cast<const char*>(part.data()), part.size()}, from.where());
}

void write_code(const Program& p, Writer& to) {
  to.i64(std::ssize(p.code));
  for (const Insn& insn : p.code) encode(insn, to.bytes());
}
void read_code(Reader& from, Program& p, std::size_t bytes) {
  const std::size_t count = from.count(1);
  p.code.reserve(count);
  const auto part = from.raw(bytes - from.offset());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) p.code.push_back(decode(part, offset, from.where()));
  if (offset != part.size()) {
    from.fail(fmt::format("has {} bytes after the last instruction", part.size() - offset), "none");
  }
}

void write_tensors(const Program& p, Writer& to) {
  to.i64(std::ssize(p.tensors));
  for (const HostTensor& tensor : p.tensors) {
    to.text(tensor.name);
    to.number(static_cast<std::uint8_t>(tensor.type));
    to.list(tensor.shape);
    to.number(static_cast<std::uint8_t>(tensor.role));
    to.i64(tensor.address);
  }
}
void read_tensors(Reader& from, Program& p) {
  p.tensors.resize(from.count(8 + 1 + 8 + 1 + 8));
  for (HostTensor& tensor : p.tensors) {
    tensor.name = from.text();
    tensor.type = from.choice<DType>(kDTypeCount, "element type");
    tensor.shape = from.list();
    tensor.role = from.choice<Role>(kRoleCount, "role");
    tensor.address = from.i64();
  }
}

void write_steps(const Program& p, Writer& to) {
  to.i64(std::ssize(p.host_steps));
  for (const HostStep& step : p.host_steps) {
    to.i64(step.stage);
    to.number(static_cast<std::uint8_t>(step.op));
    to.text(step.name);
    for (const auto* list : {&step.inputs, &step.outputs, &step.numbers}) to.list(*list);
    to.i64(std::ssize(step.reals));
    for (const float real : step.reals) to.f32(real);
    to.i64(step.layer);
  }
}
void read_steps(Reader& from, Program& p) {
  p.host_steps.resize(from.count(8 + 1 + 5 * 8 + 8));
  for (HostStep& step : p.host_steps) {
    step.stage = from.i64();
    step.op = from.choice<HostOp>(kHostOpCount, "host operation");
    step.name = from.text();
    for (auto* list : {&step.inputs, &step.outputs, &step.numbers}) *list = from.list();
    step.reals.resize(from.count(4));
    for (float& real : step.reals) real = from.f32();
    step.layer = from.i64();
  }
}

void write_layers(const Program& p, Writer& to) {
  to.i64(std::ssize(p.layers));
  for (const Layer& layer : p.layers) {
    to.text(layer.name);
    to.text(layer.kind);
    to.i64(layer.macs);
    to.i64(layer.predicted_cycles);
  }
}
void read_layers(Reader& from, Program& p) {
  p.layers.resize(from.count(4 * 8));
  for (Layer& layer : p.layers) {
    layer.name = from.text();
    layer.kind = from.text();
    layer.macs = from.i64();
    layer.predicted_cycles = from.i64();
  }
}

void assign(std::vector<std::uint8_t>& to, std::span<const std::uint8_t> bytes) {
  to.assign(bytes.begin(), bytes.end());
}

// A section's name, how to write it, and how to read it from its `bytes` bytes.
struct Section {
  std::string_view name;
  void (*write)(const Program&, Writer&);
  void (*read)(Reader&, Program&, std::size_t bytes);
};
constexpr auto kSections = std::to_array<Section>({
    {"HEAD", write_head, [](Reader& from, Program& p, std::size_t) { read_head(from, p); }},
    {"MACH", write_machine, read_machine},
    {"CODE", write_code, read_code},
    {"WGHT", [](const Program& p, Writer& to) { to.raw(p.weights); },
     [](Reader& from, Program& p, std::size_t n) { assign(p.weights, from.raw(n)); }},
    {"CNST", [](const Program& p, Writer& to) { to.raw(p.constants); },
     [](Reader& from, Program& p, std::size_t n) { assign(p.constants, from.raw(n)); }},
    {"TENS", write_tensors, [](Reader& from, Program& p, std::size_t) { read_tensors(from, p); }},
    {"HOST", write_steps, [](Reader& from, Program& p, std::size_t) { read_steps(from, p); }},
    {"LAYR", write_layers, [](Reader& from, Program& p, std::size_t) { read_layers(from, p); }},
});

// The bytes between header and checksum, after all three are found in order.
std::span<const std::uint8_t> checked_body(std::span<const std::uint8_t> bytes,
                                           const std::string& where) {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                               std::min(bytes.size(), kProgramMagic.size()));
  if (start != kProgramMagic) throw InputError(where, "is no program", "a .tpu file");
  Reader header(bytes.subspan(kProgramMagic.size()), where);
  const auto version = header.number<std::uint32_t>();
  if (version != kVersion) {
    throw InputError(where, fmt::format("has version {}", version),
                     fmt::format("version {}", kVersion));
  }
  const auto rest = bytes.subspan(kProgramMagic.size() + sizeof version);
  if (rest.size() < kChecksumBytes) throw InputError(where, "is cut short", "a whole .tpu file");
  Reader tail(rest.last(kChecksumBytes), where);
  const auto stored = tail.number<std::uint32_t>();
  const std::uint32_t found = checksum(bytes.first(bytes.size() - kChecksumBytes));
  if (stored == found) return rest.first(rest.size() - kChecksumBytes);
  throw InputError(where,
                   "is damaged or cut short: its bytes do not have the checksum they end with",
                   "a whole .tpu file, as `systole compile` writes it");
}

}  // namespace

std::vector<std::uint8_t> save_program(const Program& program) {
  check_program(program, "program " + program.model);
  Writer to;
  to.raw(kProgramMagic);
  to.number(kVersion);
  for (const Section& section : kSections) {
    Writer body;
    section.write(program, body);
    to.raw(section.name);
    to.number(std::uint64_t{body.bytes().size()});
    to.raw(body.bytes());
  }
  to.number(checksum(to.bytes()));
  return std::move(to.bytes());
}

Program load_program(std::span<const std::uint8_t> bytes, const std::string& where) {
  Program program;
  Reader from(checked_body(bytes, where), where);
  for (const Section& section : kSections) {
    const std::string place = fmt::format("{}: section {}", where, section.name);
    const auto name = from.raw(section.name.size());
    if (!std::equal(name.begin(), name.end(), section.name.begin(), section.name.end())) {
      throw InputError(place, "is missing", "the sections in their order");
    }
    const auto length = from.number<std::uint64_t>();
    Reader body(from.raw(length), place);
    section.read(body, program, static_cast<std::size_t>(length));
    body.expect_end();
  }
  from.expect_end();
  check_program(program, where);
  return program;
}

std::int64_t memory_bytes(const Program& program, const Machine& machine) {
  return machine.memory_is_writable() ? machine.dram_bytes
                                      : std::min(program.weight_bytes, machine.dram_bytes);
}

bool is_tracked(Space space, [[maybe_unused]] const Machine& machine) {
  switch (space) {
#define SYSTOLE_SPACE(name, step, place, size, tracked) \
  case Space::name:                                     \
    return tracked;
#include "isa/spaces.def"
    case Space::kNone:
      return false;
  }
  return false;
}

}  // namespace systole::isa
