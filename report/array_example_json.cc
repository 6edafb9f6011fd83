// See array_example_json.h.
#include "report/array_example_json.h"

#include <nlohmann/json.hpp>

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json matrix_json(const Tensor& tensor) {
  const auto columns = static_cast<std::size_t>(tensor.shape.at(1));
  const std::span<const T> values = tensor.as<T>();
  Json rows = Json::array();
  for (std::size_t i = 0; i < values.size(); i += columns) {
    rows.push_back(std::vector<int>(values.begin() + static_cast<std::ptrdiff_t>(i),
                                    values.begin() + static_cast<std::ptrdiff_t>(i + columns)));
  }
  return rows;
}

Json passes_json(const ArrayExample& example) {
  Json json = Json::array();
  for (const ArrayExample::Pass& pass : example.passes) {
    json.push_back({{"k", pass.k},
                    {"n", pass.n},
                    {"acc", pass.acc},
                    {"rows", pass.rows},
                    {"accumulates", pass.accumulates},
                    {"begin", pass.begin.value},
                    {"end", pass.end.value}});
  }
  return json;
}

}  // namespace

Json array_example_json(const ArrayExample& example) {
  Json json{{"rows", example.machine.r()},
            {"columns", example.machine.c()},
            {"code", Json::array()},
            {"x", matrix_json<std::uint8_t>(example.x)},
            {"w", matrix_json<std::int8_t>(example.w)},
            {"y", matrix_json<std::int32_t>(example.y)},
            {"planes", Json::array()},
            {"passes", passes_json(example)},
            {"shifted", Json::array()},
            {"frames", Json::array()},
            {"writes", Json::array()}};
  for (const isa::Insn& insn : example.program.code) json["code"].push_back(disassemble(insn));
  for (const sim::PlaneInfo& plane : sim::kPlanes) {
    json["planes"].push_back({{"name", plane.name}, {"meaning", plane.meaning}});
  }
  for (const CyclePoint at : example.shifted) json["shifted"].push_back(at.value);
  for (const ArrayExample::Frame& frame : example.frames) {
    json["frames"].push_back({{"cycle", frame.at.value}, {"planes", frame.planes}});
  }
  for (const sim::AccumulatorWrite& w : example.writes) {
    json["writes"].push_back({w.at.value, w.row, w.column, w.value});
  }
  return json;
}

}  // namespace systole::report
