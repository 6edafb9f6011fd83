// Codec: opcode byte, then the operands packed least significant bit first, padded with zero bits
// to whole bytes. Operands that code leaves out where they are 0 (Presence::kNowhere) stand last in
// their row: an instruction whose own are all 0 has the short form without them, any other the long
// form with all of them, marked by the opcode's highest bit. So a new operand of that kind changes
// no encoding that was there before it. Sizes and field widths come from opcodes.def and
// operands.def at compile time; the proofs below hold for every row.
#include <array>

#include "base/diag.h"
#include "isa/operand.h"
#include "isa/program.h"

namespace systole::isa {
namespace {

struct OpcodeRow {
  std::string_view mnemonic;
  int opcode;
  int bits;             // of the operands that are always there
  int long_bits;        // of all operands
  bool ordered = true;  // those that the short form has stand before the others

  [[nodiscard]] constexpr OpcodeRow with(int more, bool is_short) const {
    OpcodeRow row = *this;
    if (is_short) row.bits += more;
    row.long_bits += more;
    row.ordered = ordered && (!is_short || bits == long_bits);
    return row;
  }
};

constexpr std::uint8_t kLongForm = 0x80;  // in the opcode byte

constexpr bool in_short_form(Operand kind) { return info(kind).presence != Presence::kNowhere; }

constexpr auto kOpcodeRows = std::to_array<OpcodeRow>({
#define F(name, kind) .with(info(Operand::kind).bits, in_short_form(Operand::kind))
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  OpcodeRow{mnemonic, opcode, 0, 0} fields,
#include "isa/opcodes.def"
#undef F
});

constexpr bool opcodes_and_mnemonics_are_unique() {
  for (std::size_t i = 0; i < kOpcodeRows.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (kOpcodeRows[i].opcode == kOpcodeRows[j].opcode) return false;
      if (kOpcodeRows[i].mnemonic == kOpcodeRows[j].mnemonic) return false;
    }
  }
  return true;
}
static_assert(opcodes_and_mnemonics_are_unique(), "two rows of opcodes.def share a code or a name");

constexpr bool forms_are_sound() {
  for (const OpcodeRow& row : kOpcodeRows) {
    if (row.opcode >= kLongForm || !row.ordered) return false;
  }
  return true;
}
static_assert(forms_are_sound(),
              "a row of opcodes.def has the long form's bit, or an operand behind one left out");

constexpr bool choices_fit_their_bits() {
  for (std::size_t k = 0; k < kOperands.size(); ++k) {
    if (kOperandRanges[k].high >= std::int64_t{1} << kOperands[k].bits) return false;
    if (kOperands[k].bits < 1 || kOperands[k].bits > 48) return false;
  }
  return true;
}
static_assert(choices_fit_their_bits(), "a kind of operands.def is too narrow for its choices");

// Bytes by opcode byte; 0 marks one that is not in the table.
constexpr std::array<std::size_t, 256> make_sizes() {
  std::array<std::size_t, 256> sizes{};
  const auto bytes = [](int bits) { return 1 + static_cast<std::size_t>(bits + 7) / 8; };
  for (const OpcodeRow& row : kOpcodeRows) {
    const auto opcode = static_cast<std::size_t>(row.opcode);
    sizes.at(opcode) = bytes(row.bits);
    if (row.long_bits > row.bits) sizes.at(opcode | kLongForm) = bytes(row.long_bits);
  }
  return sizes;
}
constexpr auto kSizes = make_sizes();

constexpr std::uint64_t mask(int bits) { return (std::uint64_t{1} << bits) - 1; }

// Collects bits, least significant first, and hands out whole bytes. At most 7 bits wait between
// two operands of at most 48 bits, so 64 bits never overflow.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* out) : out_(out) {}
  void put(std::uint64_t value, int bits) {
    pending_ |= value << count_;
    for (count_ += bits; count_ >= 8; count_ -= 8, pending_ >>= 8) {
      *out_++ = static_cast<std::uint8_t>(pending_);
    }
  }
  void flush() {
    if (count_ > 0) *out_ = static_cast<std::uint8_t>(pending_);
  }

 private:
  std::uint8_t* out_;
  std::uint64_t pending_ = 0;
  int count_ = 0;
};

class BitReader {
 public:
  explicit BitReader(const std::uint8_t* in) : in_(in) {}
  std::uint64_t take(int bits) {
    for (; count_ < bits; count_ += 8) pending_ |= std::uint64_t{*in_++} << count_;
    const std::uint64_t value = pending_ & mask(bits);
    pending_ >>= bits;
    count_ -= bits;
    return value;
  }
  [[nodiscard]] bool padding_is_zero() const { return pending_ == 0; }

 private:
  const std::uint8_t* in_;
  std::uint64_t pending_ = 0;
  int count_ = 0;
};

constexpr std::int64_t sign_extended(std::uint64_t value, int bits) {
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return static_cast<std::int64_t>(value ^ sign) - static_cast<std::int64_t>(sign);
}

[[noreturn]] void bad_operand(std::string_view mnemonic, std::string_view name, Operand kind,
                              std::int64_t value, const std::string& where) {
  throw InputError(where, fmt::format("{}: operand {} = {}", mnemonic, name, value),
                   operand_expected(kind));
}

bool in_range(Operand kind, std::int64_t value) {
  const OperandRange& range = operand_range(kind);
  return value >= range.low && value <= range.high;
}

// Where a damaged instruction lies in a file.
std::string at(const std::string& where, std::size_t offset) {
  return fmt::format("{}: code byte {}", where, offset);
}

// Whether the instruction needs its long form.
template <typename T>
bool is_long(const T& insn) {
  bool needed = false;
  insn.for_each([&](std::string_view, Operand kind, std::int64_t value) {
    needed = needed || (value != 0 && !in_short_form(kind));
  });
  return needed;
}

template <typename T>
Insn decode_as(const std::uint8_t* bytes, const std::string& where, std::size_t offset) {
  T insn;
  const bool all = (bytes[0] & kLongForm) != 0;
  BitReader reader(bytes + 1);
  insn.for_each([&](std::string_view name, Operand kind, std::int64_t& value) {
    if (!all && !in_short_form(kind)) return;
    const int bits = info(kind).bits;
    const std::uint64_t raw = reader.take(bits);
    value = info(kind).is_signed ? sign_extended(raw, bits) : static_cast<std::int64_t>(raw);
    if (!in_range(kind, value)) bad_operand(T::kMnemonic, name, kind, value, at(where, offset));
  });
  if (!reader.padding_is_zero()) {
    throw InputError(at(where, offset), fmt::format("{}: padding bits are set", T::kMnemonic),
                     "zero bits");
  }
  if (all && !is_long(insn)) {
    throw InputError(at(where, offset),
                     fmt::format("{}: the long form of a short one", T::kMnemonic),
                     "the short form where all of its further operands are 0");
  }
  return insn;
}

template <typename T>
std::uint8_t opcode_byte(const T& insn) {
  return is_long(insn) ? std::uint8_t{T::kOpcode | kLongForm} : T::kOpcode;
}

using Decoder = Insn (*)(const std::uint8_t*, const std::string&, std::size_t);
constexpr std::array<Decoder, 256> make_decoders() {
  std::array<Decoder, 256> decoders{};
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  decoders.at(opcode) = decoders.at(opcode | kLongForm) = &decode_as<Struct>;
#include "isa/opcodes.def"
  return decoders;
}
constexpr auto kDecoders = make_decoders();

}  // namespace

std::int64_t encoded_bytes(const Insn& insn) {
  return std::visit([](const auto& i) { return static_cast<std::int64_t>(kSizes[opcode_byte(i)]); },
                    insn);
}

void encode(const Insn& insn, std::vector<std::uint8_t>& out) {
  std::visit(
      [&out](const auto& i) {
        const std::size_t start = out.size();
        const std::uint8_t opcode = opcode_byte(i);
        out.resize(start + kSizes[opcode]);
        out[start] = opcode;
        BitWriter writer(out.data() + start + 1);
        i.for_each([&](std::string_view name, Operand kind, std::int64_t value) {
          if (!in_range(kind, value)) bad_operand(i.kMnemonic, name, kind, value, "encoding");
          if (opcode == i.kOpcode && !in_short_form(kind)) return;
          const int bits = info(kind).bits;
          writer.put(static_cast<std::uint64_t>(value) & mask(bits), bits);
        });
        writer.flush();
      },
      insn);
}

Insn decode(std::span<const std::uint8_t> bytes, std::size_t& offset, const std::string& where) {
  if (offset >= bytes.size()) {
    throw InputError(at(where, offset), "the code ends here", "an instruction");
  }
  const std::uint8_t opcode = bytes[offset];
  const std::size_t size = kSizes[opcode];
  if (size == 0) {
    throw InputError(at(where, offset), fmt::format("unknown opcode 0x{:02x}", opcode),
                     "an opcode of this instruction set");
  }
  if (bytes.size() - offset < size) {
    throw InputError(at(where, offset),
                     fmt::format("{} bytes are left of an instruction", bytes.size() - offset),
                     fmt::format("{} bytes", size));
  }
  const Insn insn = kDecoders[opcode](bytes.data() + offset, where, offset);
  offset += size;
  return insn;
}

}  // namespace systole::isa
