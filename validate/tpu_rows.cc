// Rows of the three kinds of tables, and their programs (story in tpu_rows.h).
#include "validate/tpu_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "base/diag.h"
#include "base/files.h"
#include "compare/model/fit.h"
#include "compiler/lower/memory_attention.h"
#include "compiler/lower/memory_block.h"
#include "compiler/lower/memory_product.h"
#include "compiler/lower/ragged_attention.h"
#include "sim/run.h"

namespace systole::validate {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 26;
// Blocks of the measured fused kernel, inferred from how its times grow, not published.
constexpr compiler::FusedBlocks kFused{512, 512};
// Of the ragged kernel, published: its default of 128 pages of keys (of 16, vLLM's default) and 32
// queries (jax.experimental.pallas.ops.tpu.ragged_paged_attention, tuned_block_sizes.py).
constexpr compiler::RaggedBlocks kRagged{32, 128 * 16};
// Heads of keys of a sequence of the measured models (Llama 3, of 3 and 8 thousand million
// weights).
constexpr std::int64_t kHeads = 8;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

std::vector<std::string> lines_of(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxBytes);
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

template <typename Number>
Number number_of(const std::string& cell, const std::string& where) {
  Number value{};
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = error == std::errc{} && end == cell.data() + cell.size();
  if (whole && value > 0 && static_cast<double>(value) < 1e12) return value;
  throw InputError(where, fmt::format("'{}' is no number above 0", cell), "a positive number");
}

// A kind of table: its heading before the time, and the unit of that.
struct TableKind {
  std::string_view heading, time;
  double unit;
};
constexpr auto kKinds = std::to_array<TableKind>({
    {"op,d0,d1,d2,d3,d4", "latency_ns", 1e-9},
    {"mode,batch,heads,seq,head_dim", "device_us", 1e-6},
});

const TableKind& kind_of(const std::string& heading, const std::string& where) {
  for (const TableKind& kind : kKinds) {
    if (heading == fmt::format("{},{}", kind.heading, kind.time)) return kind;
  }
  throw InputError(where, "is no heading of measured operations",
                   "op,d0,d1,d2,d3,d4,latency_ns or mode,batch,heads,seq,head_dim,device_us");
}

std::size_t dims_of(const std::string& op, const std::string& where) {
  if (op == "ffn_gated" || op == "ffn_erf" || op == "attn_enc") return 3;
  if (op == "attn_dec") return 5;
  throw InputError(where, "no operation " + op, "ffn_gated, ffn_erf, attn_enc or attn_dec");
}

TpuRow row_of(const TableKind& kind, const std::string& line, const std::string& where) {
  const std::vector<std::string> cells = cells_of(line);
  const auto columns = static_cast<std::size_t>(std::ranges::count(kind.heading, ',')) + 1;
  if (cells.size() != columns + 1) {
    throw InputError(where, fmt::format("has {} fields", cells.size()),
                     fmt::format("{} fields", columns + 1));
  }
  const auto dim = [&](std::size_t i) { return number_of<std::int64_t>(cells[i], where); };
  TpuRow row;
  row.seconds = kind.unit * number_of<double>(cells.back(), where);
  row.name = line.substr(0, line.rfind(','));
  if (&kind == &kKinds[0]) {
    row.op = cells[0];
    for (std::size_t i = 0; i < dims_of(row.op, where); ++i) row.dims[i] = dim(i + 1);
  } else {
    row.op = "sdpa";
    const std::int64_t queries = cells[0] == "decode" ? 1 : dim(3);
    row.dims = {dim(1) * dim(2), queries, dim(3), dim(4)};
  }
  return row;
}

std::vector<TpuRow> product_rows(const std::string& path) {
  std::vector<TpuRow> rows;
  for (const compare::ProductRow& one : compare::read_product_rows(path)) {
    const compare::Product& p = one.product;
    rows.push_back(
        {"gemm", fmt::format("gemm,{},{},{}", p.m, p.k, p.n), {p.m, p.k, p.n}, one.seconds});
  }
  return rows;
}

// As the fused kernel sees it: heads, queries, keys, width.
compiler::Attention attention_of(const TpuRow& row) {
  const auto& d = row.dims;
  if (row.op == "attn_enc") return {d[0], d[1], d[1], d[2]};
  // Heads of queries that share one of keys are rows of one product.
  if (row.op == "attn_dec") return {d[1], d[0] / d[1] * d[2], d[3], d[4]};
  return {d[0], d[1], d[2], d[3]};
}

compiler::RaggedAttention ragged_of(const TpuRow& row) {
  const auto& d = row.dims;
  const std::int64_t heads = d[1] % kHeads == 0 ? kHeads : d[1];
  return {d[1] / heads, d[2], d[3], heads, d[0] / d[1], d[4]};
}

}  // namespace

double TpuRow::macs() const {
  const auto d = [this](std::size_t i) { return static_cast<double>(dims[i]); };
  if (op == "gemm") return d(0) * d(1) * d(2);
  if (op.starts_with("ffn")) return d(0) * d(1) * d(2) * (op == "ffn_gated" ? 3.0 : 2.0);
  const compiler::Attention a = attention_of(*this);
  return 2.0 * static_cast<double>(a.heads * a.queries) * static_cast<double>(a.keys * a.width);
}

double TpuRow::bytes() const {
  const auto d = [this](std::size_t i) { return static_cast<double>(dims[i]); };
  if (op == "gemm") return 2.0 * (d(0) * d(1) + d(1) * d(2) + d(0) * d(2));
  if (op.starts_with("ffn"))
    return 2.0 * (2.0 * d(0) * d(1) + d(1) * d(2) * (op == "ffn_gated" ? 3.0 : 2.0));
  const compiler::Attention a = attention_of(*this);
  return 4.0 * static_cast<double>(a.heads * a.width) * static_cast<double>(a.queries + a.keys);
}

std::vector<double> TpuRow::weight_bytes() const {
  const double each = 2.0 * static_cast<double>(dims[1] * dims[2]);
  if (op == "ffn_gated") return {each, 2.0 * each};
  if (op == "gemm" || op == "ffn_erf") return {each};
  return {};
}

double TpuRow::between() const {
  const auto d = [this](std::size_t i) { return static_cast<double>(dims[i]); };
  if (op == "gemm") return 0.0;
  if (op.starts_with("ffn")) return d(0) * d(2);
  const compiler::Attention a = attention_of(*this);
  return static_cast<double>(a.heads * a.queries) * static_cast<double>(a.keys);
}

double TpuRow::heads() const {
  const bool none = op == "gemm" || op.starts_with("ffn");
  return none ? 0.0 : static_cast<double>(attention_of(*this).heads);
}

std::vector<TpuRow> read_tpu_rows(const std::string& path) {
  std::vector<TpuRow> rows;
  const TableKind* kind = nullptr;
  std::int64_t number = 0;
  for (const std::string& line : lines_of(path)) {
    const std::string where = fmt::format("{}:{}", path, ++number);
    if (line.empty() || line.front() == '#') continue;
    if (kind != nullptr) {
      rows.push_back(row_of(*kind, line, where));
    } else if (line.starts_with("op,") || line.starts_with("mode,")) {
      kind = &kind_of(line, where);
    } else {
      return product_rows(path);
    }
  }
  if (rows.empty()) throw InputError(path, "holds no rows", "a heading and one row at least");
  return rows;
}

std::set<std::string> read_fit_names(const std::string& path) {
  std::set<std::string> names;
  for (const std::string& line : lines_of(path)) {
    if (!line.empty() && line.front() != '#') names.insert(line);
  }
  return names;
}

isa::Program program_of(const isa::Machine& machine, const TpuRow& row) {
  const auto& d = row.dims;
  if (row.op == "gemm") return compiler::memory_product(machine, {d[0], d[1], d[2]});
  if (row.op.starts_with("ffn")) {
    return compiler::memory_feed_forward(machine, {d[0], d[1], d[2], row.op == "ffn_gated"});
  }
  if (row.op == "attn_enc") return compiler::memory_attention(machine, attention_of(row));
  if (row.op == "attn_dec")
    return compiler::memory_ragged_attention(machine, ragged_of(row), kRagged);
  return compiler::memory_fused_attention(machine, attention_of(row), kFused);
}

double tpu_seconds(const isa::Machine& machine, const TpuRow& row) {
  sim::RunOptions options;
  options.timing_only = true;
  const isa::Program program = program_of(machine, row);
  return machine.seconds(sim::run(program, machine, {}, options).report.total.cycles);
}

}  // namespace systole::validate
