// Depth is bounded while reading: the library copies and writes documents by recursion.
#include "base/json_text.h"

#include <nlohmann/json.hpp>

#include "base/diag.h"

namespace systole {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;

}  // namespace

std::string json_text(const Json& json, int indent) {
  const std::string text = json.dump(indent, ' ', true, Json::error_handler_t::replace);
  return indent < 0 ? text : text + "\n";
}

std::string json_string(std::string_view text) { return json_text(Json(std::string(text)), -1); }

Json parse_json(std::string_view bytes, const std::string& where, const std::string& expected) {
  const auto bounded = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth <= kMaxDepth) return true;
    throw InputError(where, "is nested too deeply", fmt::format("{} levels at most", kMaxDepth));
  };
  Json json = Json::parse(bytes.begin(), bytes.end(), bounded, false);
  if (json.is_discarded()) throw InputError(where, "is no JSON", expected);
  return json;
}

}  // namespace systole
