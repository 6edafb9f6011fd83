# cmake -Dfrom=page.html -Dname=kRunPage -Dto=run_page.cc -P embed.cmake: a page as an array of raw strings.
# Each is short enough for any compiler; the page is ASCII, so no character is cut.
file(READ "${from}" page)
get_filename_component(file "${from}" NAME)
string(LENGTH "${page}" size)
set(piece 60000)
set(text "// Generated from report/web/${file} by report/web/embed.cmake.
#include \"report/page.h\"

namespace systole::report {

static const std::string_view kPieces[] = {\n")
set(at 0)
while(at LESS size)
  string(SUBSTRING "${page}" ${at} ${piece} part)
  string(APPEND text "R\"SYSTOLE(${part})SYSTOLE\",\n")
  math(EXPR at "${at} + ${piece}")
endwhile()
string(APPEND text "};\nconst PageTemplate ${name} = kPieces;\n\n}  // namespace systole::report\n")
file(WRITE "${to}" "${text}")
