// JSON, written and read: one place for what every writer and reader of it needs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace systole {

// The document in ASCII, so that no text in it does anything to a terminal; what is no UTF-8
// becomes U+FFFD. `indent` < 0: one line without an end; else lines, the last one ended.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json, int indent = 2);
// A JSON string, quotes included.
[[nodiscard]] std::string json_string(std::string_view text);

// The document in `bytes`. Throws InputError naming `where`: no JSON (then `expected` says what it
// should hold), nested more than 32 deep.
[[nodiscard]] nlohmann::ordered_json parse_json(std::string_view bytes, const std::string& where,
                                                const std::string& expected);

}  // namespace systole
