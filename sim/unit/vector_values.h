// Vector values: rows of elements through arithmetic, look-up and pooling, fast.
//
// The same bits as base/numerics.h: loops over one row at a time that compilers vectorise, compiled
// once per instruction set. Rounding of 8 and 16-bit results is activation_values.h's.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/registers.h"
#include "sim/unit/activation_values.h"
#include "sim/unit/pool_map.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

// Elements of one operand: real value = (element - zero) * scale; floats are what they are.
struct Elements {
  std::int64_t type;
  float scale;
  std::int32_t zero;
};

// A result: binary32 / scale, rounded half to even, + limits.zero_point, saturated; the limits lie
// within the type. Of floats: limited by `floats`, rounded.
struct Result {
  std::int64_t type;
  float scale;
  Limits limits;
  isa::FloatLimits floats = {};
};
// As a unit's registers say it for a result of `type`.
[[nodiscard]] Result result_of(const isa::Registers& registers, std::int64_t type);

// The element-wise operations that compute; `operation` is a choice of VectorOp.
class VectorMath {
 public:
  // Rows of at most `n` elements.
  VectorMath(std::int64_t operation, const Elements& a, const Elements& b, const Result& to,
             std::int64_t n);
  // The next operand b, for this and all later rows; not called by operations without one.
  void load_b(const std::uint8_t* b);
  void row(const std::uint8_t* a, std::uint8_t* to);

 private:
  std::int64_t operation_;
  Elements a_, b_;
  Result to_;
  std::vector<float> x_, y_;
};

// Elements of `type` as 32-bit integers, and the low bytes of integers as elements of `type`.
void widen_row(const std::uint8_t* from, std::int64_t type, std::int64_t n, std::int32_t* to);
void store_row(const std::int32_t* from, std::int64_t type, std::int64_t n, std::uint8_t* to);

// Each value's entry in a table of words, an entry a value from the type's lowest on; interpolated
// for s16 (isa/choices.def). `to` may be `from`.
void look_up_row(const std::int32_t* words, std::int64_t type, std::int64_t n,
                 const std::int32_t* from, std::int32_t* to);

// Pools n elements a pixel.
struct Pooling {
  bool average;  // else the largest
  Elements from;
  Result to;  // of the same type as `from`
  std::int64_t n;
};
void pool_rows(const Pooling& pooling, const PoolMap& map, RowSpan from, RowSpan to);

}  // namespace systole::sim
