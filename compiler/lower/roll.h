// Roll: a long row of equal jobs as one `repeat`.
//
// From one period of jobs to the next (the copies in the buffer alternate; batches follow each
// other) nothing changes but where the data lie in host memory. So of a long row only the first
// periods and the last jobs are emitted, as if these followed those. Where their code comes out
// alike, but for host addresses that move by the same steps, for three periods in a row, the first
// of these becomes the body of a repeat, and addresses behind it move on by what was left out.
// Nobody has to trust the three: isa/verify.h proves the program, as it does any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compiler/lower/segment.h"
#include "isa/program.h"

namespace systole::compiler {

// Jobs of a segment, some periods of which are left out: those behind are as if they came at once.
struct ShortRow {
  std::vector<Job> jobs;
  std::size_t period = 0;     // jobs; 0: none left out
  std::int64_t left_out = 0;  // periods
};

// Keeps `periods` of them, if there are more, and the last jobs. A period is `together` times the
// least one, if there are enough. Where one begins, what lowering hands out in turn begins anew.
[[nodiscard]] ShortRow shorten(std::vector<Job> jobs, std::size_t periods, std::int64_t together);
// The least period; 0 if there is none that most of the jobs have.
[[nodiscard]] std::size_t period_of(const std::vector<Job>& jobs);

// The code of a row: `marks[j]` instructions came before j of its jobs were done.
struct RowCode {
  std::vector<std::size_t> marks;
  std::size_t period = 0;
  std::int64_t left_out = 0;
};

// Makes the periods that were left out of the code, which ends with the row's; false if no three
// periods in it are alike.
[[nodiscard]] bool roll(isa::Program& program, const RowCode& row);

}  // namespace systole::compiler
