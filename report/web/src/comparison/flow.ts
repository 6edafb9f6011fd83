// Data flow: reuse of weights, activations and partial sums, and the bytes of each level.
import { find, make } from "../dom";
import { compact, grouped } from "../format";
import { comparison, type Path } from "./data";
import { DataFold, fillTable, withThreads, type Column } from "./figure";
import { swatchOf, visibleSeries } from "./looks";
import { chosenBatch } from "./roofline";

interface Place {
  i: number;
  j: number;
}

interface LevelPlace extends Place {
  n: number;
}

// Points with a data flow, at the batch size that is chosen.
function places(): Place[] {
  return visibleSeries().flatMap((i) => comparison.series[i].points.flatMap((point, j) =>
    point.batch === chosenBatch() && point.data_flow !== null ? [{ i, j }] : []));
}

const ofSeries = (key: string) => ({ i }: Place): Path => ["series", i, key];
const ofPoint = (...keys: string[]) => ({ i, j }: Place): Path => ["series", i, "points", j, ...keys];
const ofLevel = (key: string) => ({ i, j, n }: LevelPlace): Path =>
  ["series", i, "points", j, "data_flow", "levels", n, key];
const named = ({ i }: Place, element: HTMLElement) =>
  make("span", { class: "named" }, swatchOf(comparison.series[i].target), element);

const kReuse: Column<Place>[] = [
  { head: "target", path: ofSeries("target"), around: named },
  { head: "kind", path: ofSeries("kind") },
  { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
  { head: "batch", path: ofPoint("batch"), show: grouped },
  { head: "a weight serves", path: ofPoint("data_flow", "weight_reuse"), show: compact },
  { head: "an activation", path: ofPoint("data_flow", "activation_reuse"), show: compact },
  { head: "a sum gathers", path: ofPoint("data_flow", "sum_reuse"), show: compact },
  { head: "what stays where", path: ofPoint("data_flow", "how") },
];

export function flowTables(): () => void {
  const fold = new DataFold<LevelPlace>(find("flow-data"), "levels", "Bytes by level", [
    { head: "target", path: ofSeries("target"), around: named },
    { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
    { head: "batch", path: ofPoint("batch"), show: grouped },
    { head: "level", path: ofLevel("name") },
    { head: "bytes of a batch", path: ofLevel("bytes"), show: compact },
  ], () => places().flatMap((place) =>
    comparison.series[place.i].points[place.j].data_flow!.levels.map((_, n) => ({ ...place, n }))));
  fold.open();
  return () => {
    fillTable(find("reuse-table"), "reuse", kReuse, places());
    fold.fill();
  };
}
