# cmake -Dfrom=page.html -Dto=page_template.cc -P embed.cmake: the page as an array of raw strings.
# Each is short enough for any compiler; the page is ASCII, so no character is cut.
file(READ "${from}" page)
string(LENGTH "${page}" size)
set(piece 60000)
set(text "// Generated from report/web/page.html by report/web/embed.cmake.
#include <cstddef>
#include <string_view>

namespace systole::report {

extern const std::string_view kPageTemplate[];
extern const std::size_t kPageTemplatePieces;

const std::string_view kPageTemplate[] = {\n")
set(at 0)
set(pieces 0)
while(at LESS size)
  string(SUBSTRING "${page}" ${at} ${piece} part)
  string(APPEND text "R\"SYSTOLE(${part})SYSTOLE\",\n")
  math(EXPR at "${at} + ${piece}")
  math(EXPR pieces "${pieces} + 1")
endwhile()
string(APPEND text "};\nconst std::size_t kPageTemplatePieces = ${pieces};\n\n}  // namespace systole::report\n")
file(WRITE "${to}" "${text}")
