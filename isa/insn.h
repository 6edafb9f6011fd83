// Instructions: one struct per row of opcodes.def, and Insn, the variant over all of them.
//
// Each struct has its operands as int64 members, `for_each` to visit them with name and kind, and
// its row's mnemonic, opcode and unit as constants. Choices (Type, Function ...) are enums below.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "isa/unit.h"

namespace systole::isa {

// Address spaces that instructions read and write (rows of spaces.def).
enum class Space : std::uint8_t {
  kNone,
#define SYSTOLE_SPACE(name, step, place, size, tracked) name,
#include "isa/spaces.def"
};
inline constexpr auto kSpaceNames = std::to_array<std::string_view>({
    "",
#define SYSTOLE_SPACE(name, step, place, size, tracked) place,
#include "isa/spaces.def"
});
inline constexpr std::size_t kSpaceCount = kSpaceNames.size();
// What an address of the space counts: "unified buffer row".
constexpr std::string_view place_name(Space space) {
  return kSpaceNames.at(static_cast<std::size_t>(space));
}

enum class Operand : std::uint8_t {
#define SYSTOLE_OPERAND(kind, bits, is_signed, space, presence, text) kind,
#include "isa/operands.def"
};

// Where an operand that is 0 is written.
enum class Presence : std::uint8_t { kAlways, kInCode, kNowhere };

struct OperandInfo {
  std::string_view name;
  int bits;
  bool is_signed;
  Space space;
  Presence presence;
  std::string_view text;
};
inline constexpr auto kOperands = std::to_array<OperandInfo>({
#define SYSTOLE_OPERAND(kind, bits, is_signed, space, presence, text) \
  {#kind, bits, is_signed, Space::space, Presence::presence, text},
#include "isa/operands.def"
});
constexpr const OperandInfo& info(Operand kind) {
  return kOperands.at(static_cast<std::size_t>(kind));
}

// One named operand value (choices.def).
struct ChoiceInfo {
  Operand kind;
  std::string_view text;
  std::string_view meaning;
};
inline constexpr auto kChoices = std::to_array<ChoiceInfo>({
#define SYSTOLE_CHOICE(kind, name, text, meaning) {Operand::kind, text, meaning},
#include "isa/choices.def"
});

// The named values as int64 constants, since operands are int64: type::kU8, function::kRelu ...
// Each is its row's position among the rows of its kind.
constexpr std::int64_t choice_value(Operand kind, std::string_view text) {
  std::int64_t value = 0;
  for (const ChoiceInfo& c : kChoices) {
    if (c.kind == kind && c.text == text) return value;
    if (c.kind == kind) ++value;
  }
  return -1;
}
#define SYSTOLE_CHOICE(kind, name, text, meaning)                           \
  namespace choice_##kind {                                                 \
    inline constexpr std::int64_t name = choice_value(Operand::kind, text); \
  }
#include "isa/choices.def"
namespace type = choice_Type;
namespace weight_type = choice_WeightType;
namespace function = choice_Function;
namespace vector_op = choice_VectorOp;
namespace pool_op = choice_PoolOp;
namespace precision = choice_Precision;
namespace configuration = choice_Register;
namespace why = choice_Why;

#define F(name, kind) std::int64_t name = 0;
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  struct Struct {                                                     \
    static constexpr std::string_view kMnemonic = mnemonic;           \
    static constexpr std::uint8_t kOpcode = opcode;                   \
    static constexpr Unit kUnit = Unit::unit;                         \
    fields bool operator==(const Struct&) const = default;            \
    template <typename Visitor>                                       \
    void for_each(Visitor&& visit);                                   \
    template <typename Visitor>                                       \
    void for_each(Visitor&& visit) const;                             \
  };
#include "isa/opcodes.def"
#undef F

// Visits each operand as visit(name, Operand, value&).
#define F(name, kind) visit(std::string_view(#name), Operand::kind, this->name);
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  template <typename Visitor>                                         \
  void Struct::for_each([[maybe_unused]] Visitor&& visit) {           \
    fields                                                            \
  }                                                                   \
  template <typename Visitor>                                         \
  void Struct::for_each([[maybe_unused]] Visitor&& visit) const {     \
    fields                                                            \
  }
#include "isa/opcodes.def"
#undef F

namespace detail {
template <typename... T>
struct DropFirst;
template <typename First, typename... Rest>
struct DropFirst<First, Rest...> {
  using type = std::variant<Rest...>;
};
}  // namespace detail

// Any instruction; alternatives in the order of opcodes.def.
using Insn = detail::DropFirst<void
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) , Struct
#include "isa/opcodes.def"
                               >::type;

[[nodiscard]] std::string_view mnemonic(const Insn& insn);

// The unit whose queue the instruction enters: its row's, of the instance it names, if it names
// one; sync and set name theirs.
[[nodiscard]] Unit queue_of(const Insn& insn);
// The unit whose completions a sync waits for.
[[nodiscard]] constexpr Unit awaited(const Sync& sync) {
  return unit_at(static_cast<Unit>(sync.wait_for), sync.wait_instance);
}

// Whether the instruction counts in sent[U] and done[U] (T10): real work only.
[[nodiscard]] bool counts(const Insn& insn);

}  // namespace systole::isa
