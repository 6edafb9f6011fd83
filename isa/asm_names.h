// Names of program text: constants (`.let`), labels and what refers to them. They end with the
// assembler: a program has only the numbers that they stand for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isa/program.h"
#include "isa/text.h"

namespace systole::isa {

// Letters, digits and _, no digit first.
[[nodiscard]] bool is_name(std::string_view text);

// `.let` names and the sums that they stand in: "x", "x+32", "2*rows - 1".
class Constants {
 public:
  // Throws InputError at `name` if it is none or is there already.
  void define(const LineScanner& line, std::string_view name, std::int64_t value);
  // A text is a sum or product of whole numbers and names rather than a number or word by itself.
  [[nodiscard]] static bool is_expression(std::string_view text);
  // What `text`, a part of the line, comes to. Throws InputError at the name that is not known, or
  // the place that is no number.
  [[nodiscard]] std::int64_t value(const LineScanner& line, std::string_view text) const;

 private:
  std::map<std::string, std::int64_t, std::less<>> values_;
};

// Labels, syncs that wait for one (`after=LABEL`), and bodies in braces.
class Labels {
 public:
  // Of instruction `index`. Throws InputError at `name` if it is none or is there already.
  void define(const LineScanner& line, std::string_view name, std::size_t index);
  // The sync at `index` waits for the instruction labelled so, wherever that is.
  void refer(const LineScanner& line, std::string_view name, std::size_t index);
  // Gives every such sync its unit and distance. Throws InputError where a label is not known, or
  // no distance serves it.
  void resolve(Program& program) const;

 private:
  struct Reference {
    std::string where, name;
    std::size_t index = 0;
  };
  // The instruction with the label, which its unit completes. Throws InputError.
  [[nodiscard]] std::size_t work_of(const Reference& reference, const Program& program) const;
  // The distance, of a label whose unit that is. Throws InputError where there is none.
  [[nodiscard]] static std::int64_t checked_distance(const Reference& reference, Unit unit,
                                                     std::optional<std::int64_t> distance);

  std::map<std::string, std::size_t, std::less<>> labels_;  // index into the code
  std::vector<Reference> references_;
};

}  // namespace systole::isa
