// Measured operations of one TPU, and the programs that stand for them.
//
// Tables have one of three headings: op,d0,...,d4 (blocks: ffn_gated, ffn_erf, attn_enc, attn_dec),
// mode,batch,heads,seq,head_dim (fused attention, mode prefill or decode), or that of products
// (compare/model/fit.h).
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::validate {

struct TpuRow {
  std::string op;                      // gemm, sdpa or a block's
  std::string name;                    // op and the fields before the time, as in the file
  std::array<std::int64_t, 5> dims{};  // gemm: m, k, n; sdpa: heads of all, queries, keys, width
  double seconds = 0.0;

  // What it takes at least: multiply-adds, and bytes of operands and result.
  [[nodiscard]] double macs() const;
  [[nodiscard]] double bytes() const;
  // Bytes of each operand that is a weight: of a product B, of a block those of its products.
  [[nodiscard]] std::vector<double> weight_bytes() const;
  // Numbers that come out of one product and go into the next, and heads of attention.
  [[nodiscard]] double between() const;
  [[nodiscard]] double heads() const;
};

// Throws InputError naming the line.
[[nodiscard]] std::vector<TpuRow> read_tpu_rows(const std::string& path);
// The names of rows that a machine was fitted on, a line each; lines that start with # aside.
[[nodiscard]] std::set<std::string> read_fit_names(const std::string& path);

// Throws InputError where the machine has no room.
[[nodiscard]] isa::Program program_of(const isa::Machine& machine, const TpuRow& row);
// A run of it, timing only.
[[nodiscard]] double tpu_seconds(const isa::Machine& machine, const TpuRow& row);

}  // namespace systole::validate
