// Page: a run and a small array at work as one HTML file that needs nothing else: no network, no
// other file, a browser only.
//
// The page itself (report/web/page.html, built from the TypeScript beside it) is part of this
// program; what is written into it is one JSON document, in which nothing can end the script
// element that holds it. docs/why.md says what the page shows.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "isa/program.h"
#include "report/explanation.h"

namespace systole::report {

// Needs record.why. Runs the program once more, timing only, for its timeline.
[[nodiscard]] std::string page_html(const Record& record, const std::vector<Asked>& asked,
                                    const isa::Program& program);

// The parts: the page without data, the data, the data as text within HTML.
[[nodiscard]] std::string page_template();
[[nodiscard]] nlohmann::ordered_json page_json(const Record& record,
                                               const std::vector<Asked>& asked,
                                               const isa::Program& program);
[[nodiscard]] std::string script_text(const nlohmann::ordered_json& json);

}  // namespace systole::report
