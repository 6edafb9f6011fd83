// Depth is bounded while reading, since the library copies and writes documents by recursion, and
// so are an object's keys, among which it looks for each that is new one by one.
#include "base/json_text.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/diag.h"

namespace systole {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMostKeys = 1'000;  // of an object

}  // namespace

std::string json_text(const Json& json, int indent) {
  const std::string text = json.dump(indent, ' ', true, Json::error_handler_t::replace);
  return indent < 0 ? text : text + "\n";
}

std::string json_string(std::string_view text) { return json_text(Json(std::string(text)), -1); }

Json parse_json(std::string_view bytes, const std::string& where, const std::string& expected) {
  std::array<std::size_t, kMaxDepth + 2> keys{};  // of the object that is open, by its keys' depth
  const auto bounded = [&](int depth, Json::parse_event_t event, const Json&) {
    if (depth > kMaxDepth) {
      throw InputError(where, "is nested too deeply", fmt::format("{} levels at most", kMaxDepth));
    }
    const auto at = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::object_start) keys.at(at + 1) = 0;
    if (event == Json::parse_event_t::key && ++keys.at(at) > kMostKeys) {
      throw InputError(where, fmt::format("an object has more than {} keys", kMostKeys), expected);
    }
    return true;
  };
  Json json = Json::parse(bytes.begin(), bytes.end(), bounded, false);
  if (json.is_discarded()) throw InputError(where, "is no JSON", expected);
  return json;
}

}  // namespace systole
