// HostView: regions from the tensor table; of tensors that share bytes the first one counts.
#include "isa/host_view.h"

#include <algorithm>
#include <set>
#include <variant>

namespace systole::isa {

namespace {

// Rows that are listed one by one, as in access.cc.
constexpr std::int64_t kMaxListed = 65'536;

std::set<std::int64_t> strides_of(const Program& program) {
  std::set<std::int64_t> strides;
  for (const Insn& insn : program.code) {
    if (const auto* read = std::get_if<ReadHost>(&insn)) strides.insert(read->stride);
    if (const auto* write = std::get_if<WriteHost>(&insn)) strides.insert(write->stride);
  }
  return strides;
}

}  // namespace

HostView::HostView(const Program& program) {
  const std::set<std::int64_t> strides = strides_of(program);
  for (const HostTensor& tensor : program.tensors) {
    const std::int64_t end = tensor.address + tensor.bytes();
    if (tensor.shape.empty() || end <= tensor.address) continue;
    const std::int64_t row = tensor.shape.back() * dtype_bytes(tensor.type);
    if (!strides.contains(row)) continue;
    const auto next = regions_.upper_bound(tensor.address);
    if (next != regions_.end() && next->second.begin < end) continue;
    regions_[end] = {tensor.address, end, row};
  }
}

const HostView::Region* HostView::region(std::int64_t byte) const {
  const auto found = regions_.upper_bound(byte);
  return found == regions_.end() || found->second.begin > byte ? nullptr : &found->second;
}

void HostView::add(const HostRows& rows, std::vector<Access>& out) const {
  if (rows.rows <= 0 || rows.bytes <= 0) return;
  const std::int64_t end = rows.address + (rows.rows - 1) * rows.stride + rows.bytes;
  if (rows.stride <= rows.bytes) return add_bytes(rows.address, end, rows.write, out);
  const Region* const home = region(rows.address);
  if (home != nullptr && home->row == rows.stride && end <= home->end) {
    const std::int64_t offset = rows.address - home->begin;
    const std::int64_t lane = offset % home->row;
    const std::int64_t first = home->begin + offset / home->row;
    if (lane + rows.bytes <= home->row) {
      out.push_back({Space::kHost, first, first + rows.rows, rows.write, lane, lane + rows.bytes});
      return;
    }
  }
  if (rows.rows > kMaxListed) return add_bytes(rows.address, end, rows.write, out);
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    const std::int64_t begin = rows.address + i * rows.stride;
    add_bytes(begin, begin + rows.bytes, rows.write, out);
  }
}

void HostView::add_bytes(std::int64_t begin, std::int64_t end, bool write,
                         std::vector<Access>& out) const {
  while (begin < end) {
    const Region* const home = region(begin);
    if (home == nullptr) {
      const auto next = regions_.upper_bound(begin);
      const std::int64_t stop = next == regions_.end() ? end : std::min(end, next->second.begin);
      out.push_back({Space::kHost, begin, stop, write, 0, 1});
      begin = stop;
      continue;
    }
    const std::int64_t offset = begin - home->begin, stop = std::min(end, home->end);
    const std::int64_t row = home->begin + offset / home->row, lane = offset % home->row;
    const std::int64_t whole = lane == 0 ? (stop - begin) / home->row : 0;
    if (whole > 0) {
      out.push_back({Space::kHost, row, row + whole, write, 0, home->row});
      begin += whole * home->row;
    } else {
      const std::int64_t width = std::min(home->row - lane, stop - begin);
      out.push_back({Space::kHost, row, row + 1, write, lane, lane + width});
      begin += width;
    }
  }
}

}  // namespace systole::isa
