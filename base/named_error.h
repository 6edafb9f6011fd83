// Errors of what a file holds (a node, a tensor), told with the file that the user named.
#pragma once

#include <string>

#include "base/diag.h"

namespace systole {

// What `work` returns; an InputError that it throws names the file first.
template <typename Work>
auto in_file(const std::string& file, Work work) {
  try {
    return work();
  } catch (const InputError& error) {
    Diag diag = error.diag();
    if (!diag.where.starts_with(file)) diag.where = file + ": " + diag.where;
    throw InputError(std::move(diag));
  }
}

}  // namespace systole
