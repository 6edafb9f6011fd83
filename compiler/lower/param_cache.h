// Parameter cache: which rows of parameter memory hold whose biases, scales and tables, across the
// whole program. Rows are handed out round robin; what was there before must be loaded again.
#pragma once

#include <cstdint>
#include <map>

#include "compiler/lower/stream.h"

namespace systole::compiler {

class ParamCache {
 public:
  // Uses parameter rows [first, first + rows).
  ParamCache(std::int64_t first, std::int64_t rows) : first_(first), rows_(rows) {}

  // The parameter row that holds the `count` rows at this host address; schedules their load if
  // they are not held. Throws InputError if parameter memory is smaller than `count`.
  std::int64_t row(std::int64_t host, std::int64_t count, Stream& stream, std::int64_t layer);
  // The next rows to be handed out are the first ones, and nothing is held if something had to make
  // room since the last time: so that what is loaded is the same each time.
  void begin_anew();
  // Throws InputError if `count` rows cannot be held at once.
  void require(std::int64_t count) const;

 private:
  std::int64_t first_, rows_, next_ = 0;
  bool made_room_ = false;  // since begin_anew()
  struct Holder {
    std::int64_t host = 0, count = 0;
  };
  std::map<std::int64_t, std::int64_t> held_;  // first row by host address
  std::map<std::int64_t, Holder> holders_;     // and the reverse; they do not overlap
};

}  // namespace systole::compiler
