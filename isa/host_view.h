// HostView: host memory as rectangles, so that a strided transfer is one access and not one a row.
//
// Within a host tensor whose last dimension takes L bytes, byte b (counted from the tensor's
// address) is lane b % L of row address + b / L, if some transfer's rows are L bytes apart; all
// other bytes stay bytes, as rows of many lanes would only be slow to search. The rows of a tensor
// are numbered inside its own addresses, so the two never mix, and two transfers meet in this view
// exactly if they share a byte.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "isa/access.h"
#include "isa/program.h"

namespace systole::isa {

class HostView {
 public:
  explicit HostView(const Program& program);

  // Appends the rectangles that make up the rows (space kHost). Each byte is in one of them. Rows
  // that are no rectangle are listed one by one, more than 65,536 as their hull.
  void add(const HostRows& rows, std::vector<Access>& out) const;

 private:
  struct Region {
    std::int64_t begin = 0, end = 0;  // bytes
    std::int64_t row = 1;             // L
  };
  // The region that holds the byte, or null.
  [[nodiscard]] const Region* region(std::int64_t byte) const;
  void add_bytes(std::int64_t begin, std::int64_t end, bool write, std::vector<Access>& out) const;

  std::map<std::int64_t, Region> regions_;  // by end, disjoint
};

}  // namespace systole::isa
