// Running the real program, as a user would.
#pragma once

#include <string>
#include <vector>

namespace systole::testing_support {

struct Finished {
  int code = -1;  // exit code; 128 + signal if a signal ended it
  std::string out, err;
};

// Runs `systole` with these arguments, standard input empty, and waits for it.
[[nodiscard]] Finished systole(const std::vector<std::string>& arguments);

}  // namespace systole::testing_support
