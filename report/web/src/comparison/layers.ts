// Where the time of the longest layers goes, machines side by side.
import * as Plot from "@observablehq/plot";

import { find, make } from "../dom";
import { grouped, percent, seconds } from "../format";
import { readTheme } from "../paint";
import { comparison, type Part, type Path } from "./data";
import { DataFold, withThreads } from "./figure";
import { hatchings, hatchSwatch } from "./hatch";
import { colourOf, nameOf, symbolOf } from "./looks";
import { drawPlot, onResize, type Drawing } from "./plot";
import { layerPlaces } from "./roofline";

const kMostLayers = 10;
const kLeast = 0.005; // of the longest: what is shorter could not be seen
const kLetter = 6.6; // pixels: a part that is wide enough has its name on it
const kLeft = 210;
const kRight = 32;

type What = "parts" | "stalls";

interface PartPlace {
  i: number;
  j: number;
  k: number;
  n: number;
}

interface Bar extends Part {
  key: string; // its line
  layer: string;
  target: string;
  machine: string;
  begin: number;
  end: number;
}

const what = () => find<HTMLSelectElement>("layer-what").value as What;
const relative = () => find<HTMLSelectElement>("layer-scale").value === "share";
const at = ({ i, j, k }: { i: number; j: number; k: number }) => comparison.series[i].points[j].layers[k];
const sum = (parts: Part[]) => parts.reduce((total, part) => total + part.seconds, 0);

function bars(): Bar[] {
  const places = layerPlaces().filter((place) => at(place)[what()].length > 0);
  const totals = new Map<number, number>();
  for (const place of places) totals.set(place.i, (totals.get(place.i) ?? 0) + sum(at(place)[what()]));
  const scale = (i: number) => (relative() ? totals.get(i)! : 1);
  const most = new Map<string, number>();
  for (const place of places) {
    const { name } = at(place);
    most.set(name, Math.max(most.get(name) ?? 0, sum(at(place)[what()]) / scale(place.i)));
  }
  const sorted = [...most].sort((a, b) => b[1] - a[1]).filter(([, length]) => length > kLeast * Math.max(...most.values()));
  const longest = sorted.slice(0, kMostLayers).map(([name]) => name);
  return places.filter((place) => longest.includes(at(place).name)).flatMap((place) => {
    let begin = 0;
    return at(place)[what()].filter((part) => part.seconds > 0).map((part) => {
      const end = begin + part.seconds / scale(place.i);
      const bar = { ...part, key: `${at(place).name}\u0000${place.i}`, layer: at(place).name,
        target: comparison.series[place.i].target, machine: nameOf(comparison.series[place.i]), begin, end };
      begin = end;
      return bar;
    });
  });
}

function shortened(name: string, letters: number): string {
  return name.length > letters ? `${name.slice(0, letters - 1)}\u2026` : name;
}

// A line of the chart: a layer's name, or a machine's bar below it.
interface Line {
  key: string;
  layer: string;
  target?: string;
  machine?: string;
}

// The layers, the longest first, each with the machines that have it.
function lines(all: Bar[]): Line[] {
  const layers = [...new Set(all.map((bar) => bar.layer))];
  const length = (layer: string) => Math.max(...all.filter((bar) => bar.layer === layer).map((bar) => bar.end));
  layers.sort((a, b) => length(b) - length(a));
  return layers.flatMap((layer) => {
    const bars = all.filter((bar) => bar.layer === layer && bar.begin === 0);
    return [{ key: `${layer}\u0000`, layer },
      ...bars.map(({ key, target, machine }) => ({ key, layer, target, machine }))];
  });
}

// Names of parts, the longest first; each has a hue and a hatching.
function partNames(all: Bar[]): string[] {
  const total = (name: string) => sum(all.filter((bar) => bar.name === name));
  return [...new Set(all.map((bar) => bar.name))].sort((a, b) => total(b) - total(a));
}

function drawing(all: Bar[], names: string[], fills: string[]): Drawing | null {
  if (all.length === 0) return null;
  const theme = readTheme();
  const unit = relative() ? percent : seconds;
  const rows = lines(all);
  const heads = rows.filter((line) => !line.machine);
  const machines = rows.filter((line) => line.machine);
  const longest = Math.max(...all.map((bar) => bar.end));
  return {
    label: `Where the time of the ${heads.length} longest layers goes on ` +
      `${[...new Set(all.map((bar) => bar.machine))].join(", ")}: mostly ${names.slice(0, 3).join(", ")}. ` +
      "The table below has the figures.",
    options: (width) => ({
      height: 50 + rows.length * 17,
      marginLeft: kLeft,
      marginRight: kRight,
      marginTop: 4,
      marginBottom: 40,
      x: { label: relative() ? "share of a batch" : "time of a batch", labelArrow: "none", labelAnchor: "center", labelOffset: 36, grid: true, ticks: width < 700 ? 3 : 6, tickFormat: (d: number) => (d === 0 ? "0" : unit(d)) },
      y: { domain: rows.map((line) => line.key), axis: null, padding: 0.12 },
      marks: [
        Plot.text(heads, { y: "key", text: (d: Line) => shortened(d.layer, 60), frameAnchor: "left", dx: 8 - kLeft, fontWeight: 700 }),
        Plot.text(machines, { y: "key", text: (d: Line) => shortened(d.machine!, 28), frameAnchor: "left", textAnchor: "end", dx: -8 }),
        ...machines.map((line) => Plot.dot([line], {
          y: "key", frameAnchor: "left", dx: 16 - kLeft, r: 3.6, symbol: symbolOf(line.target!), fill: colourOf(line.target!),
        })),
        Plot.barX(all, {
          y: "key", x1: "begin", x2: "end", fill: (b: Bar) => fills[names.indexOf(b.name)], stroke: theme.back, strokeWidth: 1,
          title: (b: Bar) => `${b.layer} on ${b.machine}: ${b.name} ${seconds(b.seconds)}`,
        }),
        Plot.text(all.filter((b) => ((b.end - b.begin) / longest) * (width - kLeft - kRight) > kLetter * b.name.length + 4), {
          y: "key", x: (b: Bar) => (b.begin + b.end) / 2, text: "name", fill: theme.back,
          stroke: (b: Bar) => theme.hues[names.indexOf(b.name) % theme.hues.length], strokeWidth: 4, fontWeight: 600, fontSize: 11,
        }),
        Plot.ruleX([0], { stroke: theme.text }),
      ],
    }),
  };
}

const ofSeries = (key: string) => ({ i }: PartPlace): Path => ["series", i, key];
const ofLayer = (key: string) => ({ i, j, k }: PartPlace): Path => ["series", i, "points", j, "layers", k, key];
const ofPart = (key: string) => ({ i, j, k, n }: PartPlace): Path =>
  ["series", i, "points", j, "layers", k, what(), n, key];

export function layerStacks(redraw: () => void): () => void {
  const box = find("stack-chart");
  const fold = new DataFold<PartPlace>(find("stack-data"), "stacks", "Parts of every layer", [
    { head: "target", path: ofSeries("target") },
    { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
    { head: "batch", path: ({ i, j }) => ["series", i, "points", j, "batch"], show: grouped },
    { head: "layer", path: ofLayer("name") },
    { head: "part", path: ofPart("name") },
    { head: "time", path: ofPart("seconds"), show: seconds },
  ], () => layerPlaces().flatMap((place) => at(place)[what()].map((_, n) => ({ ...place, n }))));
  const drawAll = () => {
    const all = bars();
    const names = partNames(all);
    drawPlot(box, drawing(all, names, hatchings(find("hatchings"), names.length)));
    find("stack-legend").replaceChildren(...names.map((name, n) => make("li", {}, hatchSwatch(n), name)));
  };
  const draw = () => {
    drawAll();
    fold.fill();
  };
  onResize(box, drawAll);
  for (const id of ["layer-what", "layer-scale"]) find(id).addEventListener("change", draw);
  find("layer-batch").addEventListener("change", redraw);
  return draw;
}
