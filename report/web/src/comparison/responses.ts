// Response times of the simulated server against its load.
import * as Plot from "@observablehq/plot";

import { find, make } from "../dom";
import { compact, percent, seconds } from "../format";
import { readTheme } from "../paint";
import { comparison, type Path } from "./data";
import { DataFold, fillTable, withThreads, type Column } from "./figure";
import { colourOf, dashOf, nameOf, swatchOf, symbolOf, visibleSeries } from "./looks";
import { axes, drawPlot, logTicks, markId, onResize, type Drawing } from "./plot";

interface Mark {
  path: Path;
  rate: number;
  value: number;
}

const share = () => find<HTMLSelectElement>("response-share").value;

function marks(i: number): Mark[] {
  return comparison.series[i].server.responses.map((response, n) => {
    const value = (response as unknown as Record<string, number>)[share()];
    return { path: ["series", i, "server", "responses", n, share()], rate: response.rate, value };
  });
}

function drawing(): Drawing | null {
  const series = visibleSeries().filter((i) => comparison.series[i].server.responses.length > 0);
  if (series.length === 0) return null;
  const theme = readTheme();
  const all = series.flatMap(marks);
  const limit = comparison.p99_limit_seconds;
  const x = [Math.min(...all.map((m) => m.rate)), Math.max(...all.map((m) => m.rate))];
  const y = [Math.min(limit, ...all.map((m) => m.value)) / 1.5, Math.max(limit, ...all.map((m) => m.value)) * 1.5];
  const name = share().slice(0, 3);
  return {
    label: `The ${name} of the response against requests a second, ${series.length} servers; ` +
      "the table below has the figures.",
    options: (width) => ({
      height: 420,
      marginLeft: 64,
      marginRight: 20,
      marginBottom: 46,
      x: { type: "log", label: null },
      y: { type: "log", domain: y, label: null },
      marks: [
        ...axes({ label: "requests a second", ticks: logTicks(x[0], x[1]).filter((_, i) => width > 600 || i % 2 === 0), show: compact },
          { label: `${name} of the response`, ticks: logTicks(y[0], y[1]), show: seconds }),
        Plot.ruleY([limit], { stroke: theme.mark, strokeDasharray: "6 4" }),
        Plot.text([limit], { x: () => x[0], y: (d: number) => d, text: () => "limit of the p99", dy: -7, textAnchor: "start", fill: theme.mark }),
        ...series.map((i) => Plot.line(marks(i), {
          x: "rate", y: "value", stroke: colourOf(comparison.series[i].target), strokeWidth: 1.8,
          strokeDasharray: dashOf(comparison.series[i].precision),
        })),
        ...series.map((i) => Plot.dot(marks(i), {
          x: "rate", y: "value", r: 4, symbol: symbolOf(comparison.series[i].target), fill: colourOf(comparison.series[i].target),
          title: (m: Mark) => `${nameOf(comparison.series[i])}: ${name} ${seconds(m.value)} at ${compact(m.rate)} requests/s`,
          ariaLabel: (m: Mark) => markId("response", m.path),
        })),
      ],
    }),
  };
}

type Place = { i: number; n: number };
const ofSeries = (key: string) => ({ i }: Place): Path => ["series", i, key];
const of = (key: string) => ({ i, n }: Place): Path => ["series", i, "server", "responses", n, key];

// As Table 4 of TPU v1's paper: what keeps the limit, and how much of the most that is.
const ofServer = (key: string) => (i: number): Path => ["series", i, "server", key];
const kAtTheLimit: Column<number>[] = [
  { head: "target", path: (i) => ["series", i, "target"], around: (i, e) => make("span", { class: "named" }, swatchOf(comparison.series[i].target), e) },
  { head: "kind", path: (i) => ["series", i, "kind"] },
  { head: "type", path: (i) => ["series", i, "precision"], around: (i, e) => withThreads(comparison.series[i], e) },
  { head: "batch sizes", path: ofServer("batches") },
  { head: "p99 response", path: ofServer("p99_seconds"), show: seconds },
  { head: "requests/s", path: ofServer("rate"), show: compact },
  { head: "its largest batch serves", path: ofServer("capacity"), show: compact },
  { head: "share of that", path: ofServer("share_of_capacity"), show: percent },
];

export function responsePlot(): () => void {
  const box = find("response-chart");
  const fold = new DataFold<Place>(find("response-data"), "responses", "Figures of this plot", [
    { head: "target", path: ofSeries("target") },
    { head: "kind", path: ofSeries("kind") },
    { head: "type", path: ofSeries("precision"), around: ({ i }, e) => withThreads(comparison.series[i], e) },
    { head: "batch sizes", path: ({ i }) => ["series", i, "server", "batches"] },
    { head: "load", path: of("load"), show: percent },
    { head: "requests/s", path: of("rate"), show: compact },
    { head: "p50", path: of("p50_seconds"), show: seconds },
    { head: "p90", path: of("p90_seconds"), show: seconds },
    { head: "p99", path: of("p99_seconds"), show: seconds },
  ], () => visibleSeries().flatMap((i) => comparison.series[i].server.responses.map((_, n) => ({ i, n }))));
  const draw = () => {
    fillTable(find("limit-table"), "limit", kAtTheLimit, visibleSeries().filter((i) => comparison.series[i].server.responses.length > 0));
    drawPlot(box, drawing());
    fold.fill();
  };
  onResize(box, () => drawPlot(box, drawing()));
  find("response-share").addEventListener("change", draw);
  return draw;
}
