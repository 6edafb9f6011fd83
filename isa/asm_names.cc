// See asm_names.h. A sync's distance counts what its unit is sent between two instructions, and
// repeats make that a question of where both stand.
#include "isa/asm_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/diag.h"
#include "isa/operand.h"
#include "isa/suggest.h"

namespace systole::isa {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void require_new_name(const LineScanner& line, std::string_view name, bool known,
                      const char* what) {
  if (!is_name(name)) {
    line.fail_at(name, fmt::format("'{}' is no name of a {}", name, what),
                 "letters, digits and _, no digit first");
  }
  if (known) line.fail_at(name, fmt::format("{} '{}' is defined twice", what, name), "one");
}

template <typename Map>
std::string nearest_of(std::string_view name, const Map& map, const char* none) {
  std::vector<std::string> known;
  for (const auto& [key, value] : map) known.push_back(key);
  return known.empty() ? none : such_as(name, known);
}

// Reads sums of products from left to right.
class Expression {
 public:
  Expression(const LineScanner& line, std::string_view text,
             const std::map<std::string, std::int64_t, std::less<>>& values)
      : line_(line), whole_(text), rest_(text), values_(values) {}

  std::int64_t value() {
    std::int64_t sum = product(accept('-') ? -1 : 1);
    while (!at_end()) {
      if (accept('+')) {
        add(sum, product(1));
      } else if (accept('-')) {
        add(sum, product(-1));
      } else {
        fail();
      }
    }
    return sum;
  }

 private:
  std::int64_t product(std::int64_t value) {
    do {
      const std::int64_t next = factor();
      if (__builtin_mul_overflow(value, next, &value)) fail_too_large();
    } while (accept('*'));
    return value;
  }

  void add(std::int64_t& sum, std::int64_t value) const {
    if (__builtin_add_overflow(sum, value, &sum)) fail_too_large();
  }

  std::int64_t factor() {
    skip_blanks();
    const auto end =
        std::ranges::find_if(rest_, [](char c) { return !is_letter(c) && !is_digit(c); });
    const std::string_view word = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    std::int64_t value = 0;
    if (is_name(word)) {
      value = named(word);
    } else {
      const auto [last, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (error == std::errc::result_out_of_range) fail_too_large();
      if (error != std::errc() || last != word.data() + word.size()) fail();
    }
    rest_.remove_prefix(word.size());
    return value;
  }

  [[nodiscard]] std::int64_t named(std::string_view word) const {
    const auto found = values_.find(word);
    if (found != values_.end()) return found->second;
    line_.fail_at(word, fmt::format("unknown name '{}'", word),
                  nearest_of(word, values_, "a number, or a name that .let defines before it"));
  }

  [[noreturn]] void fail_too_large() const {
    line_.fail_at(whole_, fmt::format("'{}' is too large", whole_), "a number of 64 bits");
  }

  void skip_blanks() {
    const auto next = rest_.find_first_not_of(" \t\r");
    rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  bool accept(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[noreturn]] void fail() const {
    line_.fail_at(rest_.empty() ? whole_ : rest_,
                  whole_.empty()  ? "no number stands here"
                  : rest_.empty() ? fmt::format("'{}' ends early", whole_)
                                  : fmt::format("found '{}'", rest_),
                  "numbers and names, joined by + - *");
  }

  const LineScanner& line_;
  std::string_view whole_, rest_;
  const std::map<std::string, std::int64_t, std::less<>>& values_;
};

// A range of the code that runs so many times; what no repeat has runs once.
struct Body {
  std::size_t begin = 0, end = 0;
  std::int64_t count = 1;
  bool operator==(const Body&) const = default;
  [[nodiscard]] bool has(std::size_t index) const { return begin <= index && index < end; }
};

// Of all repeats, in the order of the code.
std::vector<Body> bodies_of(const std::vector<Insn>& code) {
  std::vector<Body> bodies;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const auto* repeat = std::get_if<Repeat>(&code[i]);
    if (repeat == nullptr) continue;
    const auto length = static_cast<std::size_t>(repeat->length);
    bodies.push_back({i + 1, std::min(code.size(), i + 1 + length), repeat->count});
  }
  return bodies;
}

// How many instructions a unit is sent between two of the code.
class Dispatches {
 public:
  // The bodies outlive this.
  Dispatches(const std::vector<Insn>& code, const std::vector<Body>& bodies, Unit unit)
      : bodies_(bodies) {
    for (std::size_t i = 0; i < code.size(); ++i) {
      const bool is_sent = counts(code[i]) && queue_of(code[i]) == unit;
      once_.push_back(once_.back() + (is_sent ? 1 : 0));
      all_.push_back(all_.back() + (is_sent ? body_of(i).count : 0));
    }
  }

  // The body that has the instruction; empty if none has.
  [[nodiscard]] Body body_of(std::size_t index) const {
    const auto after = std::ranges::upper_bound(bodies_, index, {}, &Body::begin);
    const bool inside = after != bodies_.begin() && std::prev(after)->has(index);
    return inside ? *std::prev(after) : Body{};
  }
  [[nodiscard]] bool is_repeated(std::size_t index) const { return body_of(index) != Body{}; }
  // In [begin, end), once.
  [[nodiscard]] std::int64_t once(std::size_t begin, std::size_t end) const {
    return once_[end] - once_[begin];
  }
  // The same with every body in it, of which it has all or nothing, as often as it runs.
  [[nodiscard]] std::int64_t all(std::size_t begin, std::size_t end) const {
    return all_[end] - all_[begin];
  }

 private:
  const std::vector<Body>& bodies_;
  std::vector<std::int64_t> once_{0}, all_{0};  // before each instruction
};

// Where a sync and the instruction that it waits for stand.
struct Pair {
  std::size_t label, sync;
};

// How many instructions the label's unit is sent after it and before the sync: in the same body the
// label is that of this repetition or, if it comes after the sync, of the one before; in a body
// that is over, of its last. Nothing where that number differs from one repetition to the next; -1
// where the label is only reached after the sync.
std::optional<std::int64_t> distance_of(const Dispatches& sent, const Pair& at) {
  const Body from = sent.body_of(at.label), to = sent.body_of(at.sync);
  const std::size_t next = at.label + 1;
  if (from == to && at.label < at.sync) {
    return sent.is_repeated(at.sync) ? sent.once(next, at.sync) : sent.all(next, at.sync);
  }
  if (from == to && sent.is_repeated(at.sync)) {
    return sent.once(next, from.end) + sent.once(to.begin, at.sync);
  }
  if (at.label > at.sync) return -1;
  const std::size_t left = sent.is_repeated(at.label) ? from.end : next;
  const std::int64_t behind = sent.once(next, left);
  if (!sent.is_repeated(at.sync)) return behind + sent.all(left, at.sync);
  if (sent.once(to.begin, to.end) > 0) return std::nullopt;
  return behind + sent.all(left, to.begin);
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

void Constants::define(const LineScanner& line, std::string_view name, std::int64_t value) {
  require_new_name(line, name, values_.contains(name), "constant");
  values_.emplace(name, value);
}

bool Constants::is_expression(std::string_view text) {
  return is_name(text) || text.find_first_of("+*-", 1) != std::string_view::npos ||
         (text.starts_with('-') && text.size() > 1 && is_letter(text[1]));
}

std::int64_t Constants::value(const LineScanner& line, std::string_view text) const {
  return Expression(line, text, values_).value();
}

void Labels::define(const LineScanner& line, std::string_view name, std::size_t index) {
  require_new_name(line, name, labels_.contains(name), "label");
  labels_.emplace(name, index);
}

void Labels::refer(const LineScanner& line, std::string_view name, std::size_t index) {
  references_.push_back({line.where_of(name), std::string(name), index});
}

void Labels::resolve(Program& program) const {
  const std::vector<Body> bodies = bodies_of(program.code);
  std::map<Unit, Dispatches> sent;  // each is a pass over the code
  for (const Reference& reference : references_) {
    const std::size_t label = work_of(reference, program);
    const Unit unit = queue_of(program.code[label]);
    auto& sync = std::get<Sync>(program.code[reference.index]);
    sync.wait_for = static_cast<std::int64_t>(kind_of(unit));
    sync.wait_instance = instance_of(unit);
    const auto known = sent.find(unit);
    const Dispatches& of_unit =
        known != sent.end() ? known->second
                            : sent.try_emplace(unit, program.code, bodies, unit).first->second;
    sync.distance =
        checked_distance(reference, unit, distance_of(of_unit, {label, reference.index}));
  }
}

std::size_t Labels::work_of(const Reference& reference, const Program& program) const {
  const auto found = labels_.find(reference.name);
  if (found == labels_.end()) {
    throw InputError(
        reference.where, fmt::format("unknown label '{}'", reference.name),
        nearest_of(reference.name, labels_, "a label: a name and ':' before an instruction"));
  }
  const std::size_t label = found->second;
  if (label < program.code.size() && counts(program.code[label])) return label;
  throw InputError(reference.where,
                   fmt::format("label '{}' names no work of a unit", reference.name),
                   "one before an instruction that a unit completes");
}

std::int64_t Labels::checked_distance(const Reference& reference, Unit unit,
                                      std::optional<std::int64_t> distance) {
  constexpr std::int64_t kMost = operand_range(Operand::Distance).high;
  if (!distance) {
    throw InputError(reference.where,
                     fmt::format("'{}' is outside the repeat, in which {} is sent more, so that it "
                                 "is further back each time",
                                 reference.name, unit_name(unit)),
                     "a label in the body, or a sync before the repeat");
  }
  if (*distance < 0) {
    throw InputError(reference.where,
                     fmt::format("label '{}' comes after the sync", reference.name),
                     "an earlier instruction, or one of the same repeat body");
  }
  if (*distance > kMost) {
    throw InputError(reference.where,
                     fmt::format("label '{}' is {} instructions of {} back", reference.name,
                                 *distance, unit_name(unit)),
                     fmt::format("at most {}", kMost));
  }
  return *distance;
}

}  // namespace systole::isa
