// See timeline_json.h.
#include "report/timeline_json.h"

#include <functional>
#include <nlohmann/json.hpp>

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using Piece = Timeline::Piece;

struct Column {
  const char* name;
  std::int64_t (*value)(const Piece&);
};
constexpr Column kColumns[] = {
    {"length", [](const Piece& p) { return (p.end - p.begin).value; }},
    {"name", [](const Piece& p) { return std::int64_t{p.name}; }},
    {"layer", [](const Piece& p) { return std::int64_t{p.layer}; }},
    {"insn", [](const Piece& p) { return p.insn + 1; }},
    {"rows", [](const Piece& p) { return p.rows; }},
    {"bytes", [](const Piece& p) { return p.bytes; }},
    {"slices", [](const Piece& p) { return p.slices; }},
    {"busy", [](const Piece& p) { return p.busy.value; }},
    {"waited", [](const Piece& p) { return p.waited.value; }},
    {"cause", [](const Piece& p) { return std::int64_t{p.cause}; }},
};

Json lane_json(const Timeline::Lane& lane) {
  Json json{{"track", lane.track}, {"gap", Json::array()}};
  CyclePoint end;
  for (const Piece& piece : lane.pieces) {
    json["gap"].push_back((piece.begin - end).value);
    end = piece.end;
  }
  for (const Column& column : kColumns) {
    Json values = Json::array();
    for (const Piece& piece : lane.pieces) values.push_back(column.value(piece));
    json[column.name] = std::move(values);
  }
  return json;
}

}  // namespace

Json timeline_json(const Timeline& timeline) {
  Json json{{"slices", timeline.slices()},
            {"grain", timeline.grain().value},
            {"names", timeline.names()},
            {"layers", timeline.layers()},
            {"lanes", Json::array()}};
  for (const Timeline::Lane& lane : timeline.lanes()) json["lanes"].push_back(lane_json(lane));
  return json;
}

}  // namespace systole::report
