// See machine_name.h.
#include "isa/machine_name.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>

namespace systole::isa {
namespace {

constexpr std::size_t kMostShown = 3;    // changes in a name
constexpr std::size_t kMostBytes = 120;  // of a name of its own
constexpr std::int64_t kLarge = 1'000'000;

// The number that the text is, or 0.
std::int64_t large_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= kLarge ? value : 0;
}

// "2x", or nothing where no such factor gives the value exactly.
std::string factor_text(const Change& change) {
  const std::int64_t before = large_number(change.before), now = large_number(change.now);
  if (before == 0 || now == 0) return {};
  std::string text = fmt::format("{:.3g}", static_cast<double>(now) / static_cast<double>(before));
  double factor = 0;
  std::from_chars(text.data(), text.data() + text.size(), factor);
  const bool exact = std::llround(static_cast<double>(before) * factor) == now;
  return exact && text.find('e') == std::string::npos ? text + "x" : std::string();
}

// "1.5GHz", or nothing where that takes more than six digits.
std::string frequency_text(const std::string& hertz) {
  const std::int64_t value = large_number(hertz);
  const bool giga = value >= 1'000'000'000;
  const std::int64_t unit = giga ? 1'000'000'000 : 1'000'000;
  if (value == 0 || value % (unit / 1'000) != 0) return {};
  return fmt::format("{:g}{}", static_cast<double>(value) / static_cast<double>(unit),
                     giga ? "GHz" : "MHz");
}

// FNV-1a over all values.
std::uint32_t fingerprint(const Machine& machine) {
  std::uint32_t hash = 2'166'136'261U;
  for (const ParameterView& view : parameters(machine)) {
    for (const char c : view.value + ";") {
      hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
    }
  }
  return hash;
}

}  // namespace

std::vector<Change> changes(const Machine& before, const Machine& now) {
  const std::vector<ParameterView> old = parameters(before), all = parameters(now);
  std::vector<Change> changed;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].value != old[i].value)
      changed.push_back({all[i].key, all[i].unit, old[i].value, all[i].value});
  }
  return changed;
}

std::string change_text(const Change& change) {
  const std::string shown = change.unit == "Hz" ? frequency_text(change.now) : factor_text(change);
  return change.key + "=" + (shown.empty() ? change.now : shown);
}

std::string changed_name(const std::string& name, const Machine& before, const Machine& now) {
  const std::vector<Change> changed = changes(before, now);
  std::string text = name;
  for (std::size_t i = 0; i < changed.size() && i < kMostShown; ++i) {
    text += " + " + change_text(changed[i]);
  }
  if (changed.size() <= kMostShown) return text;
  return text + fmt::format(" + {} more [{:08x}]", changed.size() - kMostShown, fingerprint(now));
}

std::string bounded_name(const std::string& name) {
  if (name.size() <= kMostBytes) return name;
  std::size_t end = kMostBytes - 3;
  const auto continues = [&](std::size_t at) {
    return (static_cast<std::uint8_t>(name[at]) & 0xC0U) == 0x80U;
  };
  while (end > 0 && continues(end)) --end;  // no half of a UTF-8 character
  return name.substr(0, end) + "...";
}

}  // namespace systole::isa
