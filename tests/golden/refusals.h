// Input that is refused: what a name in record/refusals.txt stands for, and what is said about it.
#pragma once

#include <string>

namespace systole::golden {

// What reading the input named so ends in: the exit code a command would have, a blank, and the
// text of the error; "0 accepted" if there is none. The name is READER INPUT, where INPUT is what
// that reader takes, with \n, \t, \\ and \xNN, or an edit of a file in record/seeds
// (record/README.md).
[[nodiscard]] std::string outcome(const std::string& name);

}  // namespace systole::golden
