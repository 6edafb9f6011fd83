// Suggest: edit distance over short words; a key's words are compared one by one.
#include "isa/suggest.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>

namespace systole::isa {
namespace {

constexpr std::size_t kMaxWord = 64;  // longer words are compared by their beginnings

// What people say for what the keys say.
struct Saying {
  std::string_view said, meant;
};
constexpr auto kSayings = std::to_array<Saying>({
    {"bandwidth", "bytes_per_second"},
    {"frequency", "hertz"},
    {"freq", "hertz"},
    {"mhz", "hertz"},
    {"ghz", "hertz"},
    {"speed", "hertz"},
    {"height", "rows"},
    {"width", "columns"},
    {"cols", "columns"},
    {"size", "bytes"},
    {"capacity", "bytes"},
    {"memory", "dram"},
    {"hbm", "dram"},
    {"ddr", "dram"},
    {"pcie", "link"},
    {"ub", "unified_buffer"},
    {"fifo", "weight_fifo"},
});

std::size_t distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxWord);
  b = b.substr(0, kMaxWord);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// 1: the same, 0: nothing in common.
double likeness(std::string_view a, std::string_view b) {
  const std::size_t longest = std::max({a.size(), b.size(), std::size_t{1}});
  return 1.0 -
         static_cast<double>(distance(a, b)) / static_cast<double>(std::min(longest, kMaxWord));
}

// The words of "dram.bytes_per_second", in small letters, as the keys would say them.
std::vector<std::string> words_of(std::string_view key) {
  std::vector<std::string> words(1);
  for (const char c : key.substr(0, kMaxWord)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  return words;
}

std::string meant_by(std::string_view key) {
  std::string text;
  for (const std::string& word : words_of(key)) {
    const auto* const found = std::ranges::find(kSayings, word, &Saying::said);
    text += fmt::format("{}{}", text.empty() ? "" : " ",
                        found == kSayings.end() ? std::string_view(word) : found->meant);
  }
  return text;
}

// Of the wrong key's words, how much of each the known key has.
double shared(const std::vector<std::string>& wrong, const std::vector<std::string>& known) {
  constexpr double kSameWord = 0.75;  // a typing error in it
  double sum = 0;
  for (const std::string& word : wrong) {
    double best = 0;
    for (const std::string& other : known) best = std::max(best, likeness(word, other));
    sum += best >= kSameWord ? best : 0;
  }
  return wrong.empty() ? 0 : sum / static_cast<double>(std::max(wrong.size(), known.size()));
}

double score(std::string_view word, std::string_view known) {
  const std::string meant = meant_by(word);
  return likeness(word, known) + shared(words_of(meant), words_of(known));
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const auto further = [word](const std::string& a, const std::string& b) {
    return score(word, a) < score(word, b);
  };
  const auto best = std::max_element(known.begin(), known.end(), further);
  return best == known.end() ? std::string() : *best;
}

namespace {

// The nearest word, if it is alike.
std::string alike(std::string_view word, const std::vector<std::string>& known) {
  constexpr double kAlike = 0.5;
  const std::string best = nearest(word, known);
  return best.empty() || score(word, best) < kAlike ? std::string() : best;
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string best = alike(word, known);
  return best.empty() ? best : fmt::format("; did you mean '{}'?", best);
}

std::string such_as(std::string_view word, const std::vector<std::string>& known,
                    const std::string& otherwise) {
  const std::string best = alike(word, known);
  return best.empty() ? otherwise : fmt::format("a known one, such as '{}'", best);
}

}  // namespace systole::isa
