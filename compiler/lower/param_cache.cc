// Parameter cache: handing out rows.
#include "compiler/lower/param_cache.h"

#include <fmt/core.h>

#include "base/diag.h"

namespace systole::compiler {

void ParamCache::require(std::int64_t count) const {
  if (count <= rows_) return;
  throw InputError("machine", fmt::format("{} parameter rows are needed together", count),
                   fmt::format("at most {} beside the zero points (parameters.rows)", rows_));
}

void ParamCache::begin_anew() {
  next_ = 0;
  if (!made_room_) return;
  held_.clear();
  holders_.clear();
  made_room_ = false;
}

std::int64_t ParamCache::row(std::int64_t host, std::int64_t count, Stream& stream,
                             std::int64_t layer) {
  if (const auto held = held_.find(host); held != held_.end()) return held->second;
  require(count);
  if (next_ + count > rows_) next_ = 0;
  const std::int64_t row = first_ + next_;
  auto overwritten = holders_.lower_bound(row + count);
  while (overwritten != holders_.begin()) {
    const auto holder = std::prev(overwritten);
    if (holder->first + holder->second.count <= row) break;
    held_.erase(holder->second.host);
    overwritten = holders_.erase(holder);
    made_room_ = true;
  }
  next_ += count;
  held_[host] = row;
  holders_[row] = {host, count};
  stream.push(isa::ReadParams{.host = host, .param = row, .rows = count}, layer);
  return row;
}

}  // namespace systole::compiler
