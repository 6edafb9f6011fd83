// Running command lines as a user pastes them.
#pragma once

#include <string>

#include "tests/support/process.h"

namespace systole::testing_support {

// Runs `commands` by /bin/sh in `folder`, where `systole` is the program under test.
[[nodiscard]] Finished shell(const std::string& commands, const std::string& folder);

}  // namespace systole::testing_support
