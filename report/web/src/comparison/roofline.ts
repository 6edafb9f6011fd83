// Rooflines of all targets in one plot: compute, memory, cache and link roofs, the whole model at
// every batch size, and every layer of one.
import * as Plot from "@observablehq/plot";

import { find } from "../dom";
import { compact, grouped, seconds } from "../format";
import { comparison, type Path, type Series } from "./data";
import { DataFold, withThreads } from "./figure";
import { colourOf, dashOf, nameOf, symbolOf, visibleSeries } from "./looks";
import { axes, drawPlot, logTicks, markId, onResize, type Drawing } from "./plot";

interface Mark {
  path: Path;
  x: number;
  y: number;
  title: string;
}

export const chosenBatch = () => Number(find<HTMLSelectElement>("layer-batch").value);
const showsLink = () => find<HTMLInputElement>("roof-link").checked;
const showsCache = () => find<HTMLInputElement>("roof-cache").checked;
const showsLayers = () => find<HTMLInputElement>("roof-layers").checked;

function mark(i: number, path: Path, x: number | null, y: number | null, what: string): Mark[] {
  if (!x || !y) return [];
  const title = `${nameOf(comparison.series[i])}, ${what}: ${compact(y)} operations/s at ${compact(x)} a byte`;
  return [{ path, x, y, title }];
}

function models(i: number, x: "operations_per_byte" | "operations_per_link_byte"): Mark[] {
  return comparison.series[i].points.flatMap((p, j) =>
    mark(i, ["series", i, "points", j, "operations_per_second"], p[x], p.operations_per_second,
      `batch ${grouped(p.batch)}`));
}

interface LayerPlace {
  i: number;
  j: number;
  k: number;
}

// Layers of what is shown, at the batch size that is chosen.
export function layerPlaces(): LayerPlace[] {
  return visibleSeries().flatMap((i) => comparison.series[i].points.flatMap((point, j) =>
    point.batch === chosenBatch() ? point.layers.map((_, k) => ({ i, j, k })) : []));
}

function layers(i: number): Mark[] {
  return layerPlaces().filter((place) => place.i === i).flatMap(({ j, k }) => {
    const layer = comparison.series[i].points[j].layers[k];
    return mark(i, ["series", i, "points", j, "layers", k, "operations_per_second"],
      layer.operations_per_byte, layer.operations_per_second, layer.name);
  });
}

interface Extent {
  x: [number, number];
  y: [number, number];
}

function extent(series: Series[], marks: Mark[]): Extent {
  const ridges = series.map((s) => s.peak_operations_per_second / s.memory_bytes_per_second);
  const xs = [...ridges, ...marks.map((m) => m.x)];
  const ys = [...series.map((s) => s.peak_operations_per_second), ...marks.map((m) => m.y)];
  return {
    x: [Math.min(...xs) / 2, Math.max(...xs) * 3],
    y: [Math.min(...ys) / 2, Math.max(...ys) * 1.6],
  };
}

// A roof from where it enters the plot to the peak, and on along the peak if it `caps`.
function roof(s: Series, bandwidth: number, { x, y }: Extent, caps: boolean): { x: number; y: number }[] {
  const peak = s.peak_operations_per_second;
  const from = Math.max(x[0], y[0] / bandwidth);
  const ridge = Math.min(Math.max(peak / bandwidth, from), x[1]);
  const line = [{ x: from, y: Math.min(peak, from * bandwidth) }, { x: ridge, y: Math.min(peak, ridge * bandwidth) }];
  return caps ? [...line, { x: x[1], y: peak }] : line;
}

function roofs(i: number, area: Extent): Plot.Markish[] {
  const s = comparison.series[i];
  const stroke = colourOf(s.target);
  const line = (bandwidth: number | null, strokeWidth: number, dash: string, caps = false) =>
    bandwidth ? [Plot.line(roof(s, bandwidth, area, caps), { x: "x", y: "y", stroke, strokeWidth, strokeDasharray: dash })] : [];
  return [
    ...line(s.memory_bytes_per_second, 1.8, dashOf(s.precision), true),
    ...(showsCache() ? line(s.cache_bytes_per_second, 1, "1 3") : []),
    ...(showsLink() ? line(s.link_bytes_per_second, 1, "8 3 1 3") : []),
  ];
}

// Names at the right, above their roofs, moved apart where they would lie on each other.
function names(series: number[], { y }: Extent, height: number): { text: string; y: number; fill: string }[] {
  const pixel = height / Math.log(y[1] / y[0]);
  const step = Math.min(13, height / series.length);
  const peak = (s: Series) => s.peak_operations_per_second;
  const sorted = series.map((i) => comparison.series[i]).sort((a, b) => peak(a) - peak(b));
  let last = -Infinity;
  return sorted.map((s, n) => {
    last = Math.max(Math.log(peak(s) / y[0]) * pixel, last + step);
    const most = height - (sorted.length - 1 - n) * step; // that leaves room for those above
    last = Math.min(last, most);
    return { text: nameOf(s), y: y[0] * Math.exp(last / pixel), fill: colourOf(s.target) };
  });
}

const kMargins = { marginLeft: 64, marginBottom: 46, marginTop: 24 };
const kHeight = 560;

function drawing(): Drawing | null {
  const series = visibleSeries().filter((i) =>
    comparison.series[i].peak_operations_per_second > 0 && comparison.series[i].memory_bytes_per_second > 0);
  if (series.length === 0) return null;
  const dots = (place: string, i: number, marks: Mark[], style: object) => Plot.dot(marks, {
    x: "x", y: "y", symbol: symbolOf(comparison.series[i].target), title: "title",
    ariaLabel: (m: Mark) => markId(place, m.path), ...style,
  });
  const small = (i: number) => (showsLayers() ? layers(i) : []);
  const link = (i: number) =>
    showsLink() && comparison.series[i].link_bytes_per_second ? models(i, "operations_per_link_byte") : [];
  const marks = series.flatMap((i) => [...models(i, "operations_per_byte"), ...small(i), ...link(i)]);
  const area = extent(series.map((i) => comparison.series[i]), marks);
  const colour = (i: number) => colourOf(comparison.series[i].target);
  return {
    label: `Rooflines: operations a second against operations a byte, ${series.length} roofs; ` +
      "the table below has the figures.",
    options: (width) => ({
      height: kHeight,
      ...kMargins,
      marginRight: 170,
      x: { type: "log", domain: area.x, label: null },
      y: { type: "log", domain: area.y, label: null },
      marks: [
        ...axes({ label: "operations a byte", ticks: logTicks(...area.x).filter((_, i) => width > 600 || i % 2 === 0), show: compact },
          { label: "operations a second", ticks: logTicks(...area.y), show: compact }),
        ...series.flatMap((i) => roofs(i, area)),
        ...series.map((i) => dots("roofline-layer", i, small(i), { r: 2.6, fill: colour(i), fillOpacity: 0.55 })),
        ...series.map((i) => dots("roofline-link", i, link(i), { r: 4.5, stroke: colour(i), strokeWidth: 1.4 })),
        ...series.map((i) => dots("roofline", i, models(i, "operations_per_byte"), { r: 6, fill: colour(i), stroke: "var(--back)", strokeWidth: 1 })),
        Plot.text(names(series, area, kHeight - kMargins.marginBottom - kMargins.marginTop), {
          x: () => area.x[1], y: "y", text: "text", fill: "fill", textAnchor: "start", dx: 6, fontWeight: 600,
        }),
      ],
    }),
  };
}

const ofSeries = (key: string) => ({ i }: { i: number }): Path => ["series", i, key];
const ofPoint = (key: string) => ({ i, j }: { i: number; j: number }): Path => ["series", i, "points", j, key];
const ofLayer = (key: string) => ({ i, j, k }: LayerPlace): Path => ["series", i, "points", j, "layers", k, key];

export function roofline(): () => void {
  const box = find("roofline-chart");
  const folds = [
    new DataFold<{ i: number }>(find("roofs-data"), "roofs", "The roofs", [
      { head: "target", path: ofSeries("target") },
      { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
      { head: "setting", path: ofSeries("settings") },
      { head: "peak, operations/s", path: ofSeries("peak_operations_per_second"), show: compact },
      { head: "memory, bytes/s", path: ofSeries("memory_bytes_per_second"), show: compact },
      { head: "cache, bytes/s", path: ofSeries("cache_bytes_per_second"), show: compact },
      { head: "link, bytes/s", path: ofSeries("link_bytes_per_second"), show: compact },
    ], () => visibleSeries().map((i) => ({ i }))),
    new DataFold<{ i: number; j: number }>(find("models-data"), "models", "The model by batch size", [
      { head: "target", path: ofSeries("target") },
      { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
      { head: "batch", path: ofPoint("batch"), show: grouped },
      { head: "operations/s", path: ofPoint("operations_per_second"), show: compact },
      { head: "operations a byte of memory", path: ofPoint("operations_per_byte"), show: compact },
      { head: "of the link", path: ofPoint("operations_per_link_byte"), show: compact },
    ], () => visibleSeries().flatMap((i) => comparison.series[i].points.map((_, j) => ({ i, j })))),
    new DataFold<LayerPlace>(find("layers-data"), "layers", "Every layer at the batch size chosen", [
      { head: "target", path: ofSeries("target") },
      { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
      { head: "batch", path: ofPoint("batch"), show: grouped },
      { head: "time of", path: ofPoint("layers_of") },
      { head: "layer", path: ofLayer("name") },
      { head: "operator", path: ofLayer("operator") },
      { head: "time", path: ofLayer("seconds"), show: seconds },
      { head: "operations", path: ofLayer("operations"), show: compact },
      { head: "bytes of memory", path: ofLayer("memory_bytes"), show: compact },
      { head: "operations/s", path: ofLayer("operations_per_second"), show: compact },
      { head: "operations a byte", path: ofLayer("operations_per_byte"), show: compact },
    ], layerPlaces),
  ];
  const draw = () => {
    drawPlot(box, drawing());
    folds.forEach((fold) => fold.fill());
  };
  onResize(box, () => drawPlot(box, drawing()));
  for (const id of ["roof-link", "roof-cache", "roof-layers"]) find(id).addEventListener("change", draw);
  return draw;
}
