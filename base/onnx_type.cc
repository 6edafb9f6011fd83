// Names in the order of their codes.
#include "base/onnx_type.h"

#include <array>
#include <string_view>

namespace systole {
namespace {

constexpr auto kNames = std::to_array<std::string_view>(
    {"UNDEFINED",      "FLOAT",      "UINT8",          "INT8",       "UINT16",   "INT16",
     "INT32",          "INT64",      "STRING",         "BOOL",       "FLOAT16",  "DOUBLE",
     "UINT32",         "UINT64",     "COMPLEX64",      "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN",
     "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4",      "INT4",     "FLOAT4E2M1"});

}  // namespace

std::string onnx_type_name(int code) {
  const bool known = code >= 0 && static_cast<std::size_t>(code) < kNames.size();
  return known ? std::string(kNames[static_cast<std::size_t>(code)]) : std::to_string(code);
}

}  // namespace systole
