// Tables: layers, stalls, units, what-ifs and the path's shares, each a plain HTML table.
import type { PageData, PathPart } from "./data";
import { find, make } from "./dom";
import { grouped, percent, saving } from "./format";
import type { TimelineView } from "./timeline";

type Cells = (Node | string)[];

// The first column heads its row; the others are numbers but where `words` says otherwise.
function table(id: string, heads: string[], rows: Cells[], words: number[] = []): void {
  const kind = (i: number) => (i === 0 || words.includes(i) ? "" : "number");
  const head = make("tr", {}, ...heads.map((h, i) => make("th", { scope: "col", class: kind(i) }, h)));
  const body = rows.map((cells) =>
    make("tr", {}, ...cells.map((cell, i) =>
      i === 0 ? make("th", { scope: "row" }, cell) : make("td", { class: kind(i) }, cell))));
  find(id).replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
}

// A share as a bar, and its figure beside it.
function bar(share: number, text: string): HTMLElement {
  const fill = make("span", { class: "fill" });
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return make("span", { class: "bar" }, make("span", { class: "track", "aria-hidden": "true" }, fill),
    make("span", { class: "figure" }, text));
}

function roots(parts: PathPart[]): string {
  const sum = parts.reduce((total, part) => total + part.cycles, 0);
  return [...parts]
    .sort((a, b) => b.cycles - a.cycles)
    .slice(0, 3)
    .map((part) => `${part.resource} ${(100 * part.cycles / sum).toFixed(0)} %`)
    .join(", ");
}

type LayerKey = (data: PageData, i: number) => number | string;

// Columns of the table of layers: what they sort by, and whether the largest come first.
const layerColumns: { head: string; key: LayerKey; descends: boolean }[] = [
  { head: "layer", key: (data, i) => data.layers[i].layer, descends: false },
  { head: "cycles", key: (data, i) => data.explain.layers[i].cycles, descends: true },
  { head: "wasted", key: (data, i) => data.explain.layers[i].wasted, descends: true },
  { head: "active", key: (data, i) => data.explain.layers[i].active, descends: false },
  { head: "lanes", key: (data, i) => data.explain.layers[i].lanes, descends: false },
  { head: "beside the array", key: (data, i) => data.explain.layers[i].wait, descends: false },
  { head: "at work in cycles", key: (data, i) => data.layers[i].first, descends: false },
];
const kByWaste = 2;

function layerRow(data: PageData, timeline: TimelineView, i: number): Cells {
  const layer = data.explain.layers[i];
  const place = data.layers[i];
  const most = Math.max(1, ...data.explain.layers.map((l) => l.cycles));
  const go = make("button", { type: "button", class: "link" }, layer.name);
  go.addEventListener("click", () => {
    const range = { begin: place.first, end: place.last + 1 };
    timeline.show(layer.name === "(none)" ? range : { ...range, layer: layer.name });
    const words = `${layer.name}: cycles ${grouped(range.begin)} to ${grouped(range.end)}`;
    find("timeline-shown").textContent = `The timeline shows ${words}.`;
    find("timeline-section").scrollIntoView({ block: "start" });
  });
  return [go, bar(layer.cycles / most, grouped(layer.cycles)), grouped(layer.wasted),
    percent(layer.active), percent(layer.lanes), `${layer.wait} ${(100 * layer.wait_share).toFixed(0)} %`,
    `${grouped(place.first)} \u2013 ${grouped(place.last + 1)}`];
}

// The order of the explanation, by waste, until another column is pressed.
export function layerTable(data: PageData, timeline: TimelineView, column = kByWaste): void {
  const { key, descends } = layerColumns[column];
  const order = data.layers.map((_, i) => i);
  const sign = descends ? -1 : 1;
  order.sort((a, b) => {
    const [x, y] = [key(data, a), key(data, b)];
    return x === y ? a - b : x < y ? -sign : sign;
  });
  table("layer-table", layerColumns.map(({ head }) => head),
    order.map((i) => layerRow(data, timeline, i)), [5, 6]);
  find("layer-table").querySelectorAll("thead th").forEach((head, i) => {
    const sort = make("button", { type: "button", class: "sort" }, layerColumns[i].head);
    sort.addEventListener("click", () => {
      layerTable(data, timeline, i);
      find("layer-table").querySelectorAll<HTMLElement>("button.sort")[i].focus();
    });
    head.replaceChildren(sort);
    if (i === column) head.setAttribute("aria-sort", descends ? "descending" : "ascending");
  });
}

export function stallTable(data: PageData): void {
  const rows = data.stalls
    .filter((stall) => stall.cycles > 0)
    .map((stall) => [
      make("span", {}, stall.name, make("span", { class: "meaning" }, stall.meaning)),
      grouped(stall.cycles),
      bar(stall.tenths_of_percent / 1000, `${(stall.tenths_of_percent / 10).toFixed(1)} %`),
      stall.roots.length > 0 ? roots(stall.roots) : "\u2013",
    ]);
  table("stall-table", ["class", "cycles", "share", "what it went to"], rows, [3]);
}

export function unitTable(data: PageData): void {
  const all = Math.max(1, data.explain.cycles);
  const rows = data.units.map((unit) => {
    const waits = unit.waits.map((wait) => `${wait.name} ${grouped(wait.cycles)}`).join(", ");
    return [unit.unit, bar(unit.busy / all, grouped(unit.busy)), percent(unit.busy / all),
      waits || "\u2013", grouped(unit.idle)];
  });
  table("unit-table", ["unit", "busy cycles", "of the run", "waits", "idle"], rows, [3]);
}

export function pathTable(data: PageData, timeline: TimelineView): void {
  const { path, recorded_cycles: cycles } = data.explain;
  const meaning = new Map(data.resources.map((r) => [r.name, r.meaning]));
  const rows = [...path].sort((a, b) => b.cycles - a.cycles).map((part) => [
    make("span", {}, timeline.swatch(part.resource), part.resource,
      make("span", { class: "meaning" }, meaning.get(part.resource) ?? "")),
    grouped(part.cycles),
    bar(part.cycles / Math.max(1, cycles), percent(part.cycles / Math.max(1, cycles))),
  ]);
  table("path-table", ["resource", "cycles", "share"], rows);
}

export function whatIfTable(data: PageData): void {
  const rows = data.explain.what_if.map((change) => {
    const gain = change.gain ?? change.predicted_gain ?? 0;
    return [
      make("code", {}, change.change),
      saving(change.predicted_gain),
      bar(gain, saving(change.gain)),
      (change.recompiled ? "compiled anew" : "the same") +
        (change.of === "total" ? "; gains are of the run with the host's own steps" : ""),
    ];
  });
  table("what-if-table", ["change", "predicted", "found by running", "program"], rows, [3]);
}
