// Inputs of a run: from --input arguments to tensors of the exact type and shape the program wants.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::cli {

// Where one input's values come from: a file already read, or a seed.
struct InputSource {
  bool is_random = true;
  std::uint64_t seed = 0;
  std::string origin = "random:0";  // file name or seed, for messages
  Tensor tensor;                    // of a file, as found
};

// A tensor file, read, or `random[:SEED]`. Throws InputError: unreadable file, malformed seed.
[[nodiscard]] InputSource read_source(const std::string& text);

// Reads every `[NAME=]FILE` or `[NAME=]random[:SEED]`; an input that is not mentioned is random:0,
// which is said in a note. NAME may be left out for the only input. Throws InputError: unknown or
// doubly given name, unreadable file, malformed seed. `option` is for messages.
[[nodiscard]] std::map<std::string, InputSource> read_sources(
    const std::vector<std::string>& arguments, const std::vector<std::string>& names,
    const std::string& option = "--input");

// Checks the rows of a source's file against those of the input's `shape`, whose leading extent
// does not matter. A file with the elements of one row but no leading dimension becomes one row,
// said in a note. Throws InputError: a single number, another number of elements a row.
void match_rows(const std::string& name, InputSource& source, const Shape& shape);

// The same for an input without rows: its file must have this shape, but for dimensions of 1.
void match_shape(const std::string& name, const InputSource& source, const Shape& shape);

// Rows (extent of the leading dimension) of the inputs read from files but `without_rows`, 0 if all
// are random. Throws InputError if two files differ.
[[nodiscard]] std::int64_t source_rows(const std::map<std::string, InputSource>& sources,
                                       const std::set<std::string>& without_rows = {});

// Keeps the first `rows` rows of a tensor at most; a scalar is left as it is.
void truncate_rows(Tensor& tensor, std::int64_t rows);

// The source as a tensor of `type` and `shape`. Rows beyond the file's are zeros. Each row must
// have as many elements as a row of `shape`; bytes for a float input become x / 255 and float64 is
// narrowed, both said in a note. Throws InputError: wrong type, wrong row size, too many rows, NaN.
[[nodiscard]] Tensor fit_input(const std::string& name, const InputSource& source, DType type,
                               const Shape& shape);
// The tensor `count` times, one behind the other, with the shape that has room for them.
[[nodiscard]] Tensor repeated(Tensor tensor, std::int64_t count, const Shape& shape);

}  // namespace systole::cli
