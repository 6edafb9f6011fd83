// Throughput and latency against the batch size, a line a target, with what each scenario chose.
import * as Plot from "@observablehq/plot";

import { find } from "../dom";
import { compact, grouped, seconds } from "../format";
import { readTheme } from "../paint";
import { comparison, type Path, type Row } from "./data";
import { DataFold, withThreads } from "./figure";
import { colourOf, dashOf, isShown, nameOf, symbolOf, visibleSeries } from "./looks";
import { axes, drawPlot, logTicks, markId, onResize, type Drawing } from "./plot";

interface Mark {
  path: Path;
  batch: number;
  value: number;
  target: string;
  busy: boolean;
}

// Rows of a scenario that are shown, at the height of one of their figures.
function rowMarks(scenario: string, key: "throughput" | "latency_seconds"): Mark[] {
  return comparison.rows.flatMap((row, i) => {
    const value = row[key];
    if (row.scenario !== scenario || !row.best_setting || !isShown(row) || !value) return [];
    return [{ path: ["rows", i, key], batch: row.batch, value, target: row.target, busy: row.busy }];
  });
}

function seriesMarks(i: number, key: "throughput" | "latency"): Mark[] {
  const { target, points } = comparison.series[i];
  return points.flatMap((point, j) => {
    const value = key === "throughput" ? point.throughput : point.latency.seconds;
    const path: Path = ["series", i, "points", j, ...(key === "throughput" ? [key] : [key, "seconds"])];
    return value === null ? [] : [{ path, batch: point.batch, value, target, busy: point.busy }];
  });
}

// The errors of rows by batch size, as throughputs from low to high.
function errorBars(): (Row & { from: number; to: number })[] {
  return comparison.rows
    .filter((row) => row.scenario === "batch" && row.best_setting && isShown(row) && row.error_low && row.error_high)
    .map((row) => ({ ...row, from: row.throughput / row.error_high!, to: row.throughput / row.error_low! }));
}

const outlined = (place: string, marks: Mark[], r: number): Plot.Markish =>
  Plot.dot(marks, {
    x: "batch", y: "value", r, symbol: "circle", stroke: readTheme().text, strokeWidth: 1.6, fill: "none",
    ariaLabel: (m: Mark) => markId(place, m.path),
  });

function drawing(place: string, key: "throughput" | "latency"): Drawing | null {
  const series = visibleSeries();
  const all = series.flatMap((i) => seriesMarks(i, key));
  if (all.length === 0) return null;
  const show = key === "throughput" ? compact : seconds;
  const batches = [...new Set(all.map((m) => m.batch))].sort((a, b) => a - b);
  const chosen = key === "throughput"
    ? [outlined(place, rowMarks("offline", key), 9), serverMarks(place)]
    : [outlined(place, rowMarks("single-stream", "latency_seconds"), 9), limitRule()];
  const more = key === "throughput"
    ? [...rowMarks("server", key).map((m) => m.value), ...errorBars().flatMap((bar) => [bar.from, bar.to])]
    : [comparison.p99_limit_seconds];
  const values = [...all.map((m) => m.value), ...more];
  const y = [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
  const what = key === "throughput" ? "Samples a second, back to back" : "Seconds of one batch alone";
  return {
    label: `${what}, against the batch size; ${series.length} lines. The table below has the figures.`,
    options: (width) => ({
      height: 380,
      marginLeft: 64,
      marginRight: 20,
      marginBottom: 46,
      x: { type: "log", label: null, domain: [batches[0] / 1.1, batches[batches.length - 1] * 1.1] },
      y: { type: "log", label: null, domain: y },
      marks: [
        ...axes({ label: "batch size", ticks: width < 500 ? batches.filter((_, i) => i % 2 === 0) : batches, show: grouped },
          { label: what, ticks: logTicks(y[0], y[1]), show }),
        ...series.map((i) => Plot.line(seriesMarks(i, key), {
          x: "batch", y: "value", stroke: colourOf(comparison.series[i].target),
          strokeDasharray: dashOf(comparison.series[i].precision), strokeWidth: 1.8,
        })),
        ...(key === "throughput" ? [Plot.ruleX(errorBars(), {
          x: "batch", y1: "from", y2: "to", stroke: (r: Row) => colourOf(r.target), strokeWidth: 1,
        })] : []),
        ...series.map((i) => Plot.dot(seriesMarks(i, key), {
          x: "batch", y: "value", r: 4.5, symbol: symbolOf(comparison.series[i].target),
          fill: (m: Mark) => (m.busy ? readTheme().back : colourOf(m.target)), stroke: colourOf(comparison.series[i].target),
          title: (m: Mark) => `${nameOf(comparison.series[i])}, batch ${grouped(m.batch)}: ${show(m.value)}`,
          ariaLabel: (m: Mark) => markId(place, m.path),
        })),
        ...chosen,
      ],
    }),
  };
}

// The rate that a server sustains, at the largest batch that it makes.
function serverMarks(place: string): Plot.Markish {
  return Plot.dot(rowMarks("server", "throughput"), {
    x: "batch", y: "value", r: 5, symbol: "times", stroke: (m: Mark) => colourOf(m.target), strokeWidth: 2.2,
    title: (m: Mark) => `${m.target}, server: ${compact(m.value)} samples/s`,
    ariaLabel: (m: Mark) => markId(`${place}-server`, m.path),
  });
}

function limitRule(): Plot.Markish {
  return Plot.ruleY([comparison.p99_limit_seconds], { stroke: readTheme().mark, strokeDasharray: "6 4" });
}

const places = () => visibleSeries().flatMap((i) => comparison.series[i].points.map((_, j) => ({ i, j })));
type Place = { i: number; j: number };
const ofSeries = (key: string) => ({ i }: Place): Path => ["series", i, key];
const ofPoint = (...keys: string[]) => ({ i, j }: Place): Path => ["series", i, "points", j, ...keys];

export function batchPlots(): () => void {
  const boxes = [["throughput", find("throughput-chart")], ["latency", find("latency-chart")]] as const;
  const fold = new DataFold<Place>(find("batches-data"), "batches", "Figures of these plots", [
    { head: "target", path: ofSeries("target") },
    { head: "kind", path: ofSeries("kind") },
    { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
    { head: "setting", path: ofSeries("settings") },
    { head: "batch", path: ofPoint("batch"), show: grouped },
    { head: "samples/s", path: ofPoint("throughput"), show: compact },
    { head: "period", path: ofPoint("period", "seconds"), show: seconds },
    { head: "latency", path: ofPoint("latency", "seconds"), show: seconds },
    { head: "device, of the period", path: ofPoint("period", "device_seconds"), show: seconds },
    { head: "p90", path: ofPoint("p90_seconds"), show: seconds },
    { head: "p99", path: ofPoint("p99_seconds"), show: seconds },
    { head: "bound by", path: ofPoint("bound_by") },
    { head: "alone", path: ofPoint("bound_by_alone") },
  ], places);
  const draw = () => {
    for (const [key, box] of boxes) drawPlot(box, drawing(key, key));
    fold.fill();
  };
  for (const [key, box] of boxes) onResize(box, () => drawPlot(box, drawing(key, key)));
  return draw;
}
