// Charts: where the time of the slowest layers goes, as stacked bars of resources.
import * as Plot from "@observablehq/plot";

import type { PageData } from "./data";
import { find, make } from "./dom";
import { grouped, percent } from "./format";
import { readTheme } from "./paint";

const kMostLayers = 12;
const kLetter = 7.5; // pixels: a part that is wide enough has its name on it
const kMargins = 166;

interface Part {
  layer: string;
  resource: string;
  cycles: number;
  begin: number;
  end: number;
}

// Bars by place in the table, as two layers may have one name.
function parts(data: PageData): Part[] {
  return data.layers
    .map((place, i) => ({ place, layer: data.explain.layers[i], i }))
    .sort((a, b) => b.layer.cycles - a.layer.cycles)
    .slice(0, kMostLayers)
    .flatMap(({ place, layer, i }) => {
      let at = 0;
      return [...place.path]
        .sort((a, b) => b.cycles - a.cycles)
        .map((part) => {
          const begin = at;
          at += part.cycles;
          return { layer: `${i}\u0000${layer.name}`, ...part, begin, end: at };
        });
    });
}

function shortened(name: string): string {
  const text = name.slice(name.indexOf("\u0000") + 1);
  return text.length > 18 ? `${text.slice(0, 17)}\u2026` : text;
}

export function layerChart(data: PageData): void {
  const draw = () => {
    const theme = readTheme();
    const all = parts(data);
    const box = find("layer-chart");
    const longest = Math.max(1, ...all.map((part) => part.end));
    const width = box.clientWidth || 640;
    const order = [...new Set(data.explain.path.map((p) => p.resource))];
    order.sort((a, b) => cyclesOf(data, b) - cyclesOf(data, a));
    const hue = (part: Part) => theme.hues[order.indexOf(part.resource) % theme.hues.length];
    const chart = Plot.plot({
      width,
      marginLeft: 150,
      marginRight: 16,
      marginBottom: 46,
      height: 70 + 26 * new Set(all.map((part) => part.layer)).size,
      style: { background: "transparent", color: theme.text, fontSize: "12px" },
      x: { label: "cycles of the critical path", labelOffset: 40, labelArrow: "none", grid: true, tickFormat: (d: number) => grouped(d), ticks: width < 600 ? 3 : 6 },
      y: { label: null, tickFormat: shortened, domain: [...new Set(all.map((part) => part.layer))] },
      marks: [
        Plot.barX(all, {
          y: "layer", x1: "begin", x2: "end", fill: hue, stroke: theme.back, strokeWidth: 1.5,
          title: (p: Part) => `${shortened(p.layer)}: ${p.resource}, ${grouped(p.cycles)} cycles`,
        }),
        Plot.text(all.filter((p) => (p.cycles / longest) * (width - kMargins) > kLetter * p.resource.length + 6), {
          y: "layer", x: (p: Part) => (p.begin + p.end) / 2, text: "resource", fill: theme.back, fontWeight: 600,
        }),
        Plot.ruleX([0], { stroke: theme.text }),
      ],
    });
    // Within a picture its parts have no names of their own.
    for (const part of chart.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    chart.setAttribute("aria-label", summary(data));
    chart.setAttribute("role", "img");
    box.replaceChildren(chart);
  };
  draw();
  let width = find("layer-chart").clientWidth;
  new ResizeObserver(() => {
    if (find("layer-chart").clientWidth === width) return;
    width = find("layer-chart").clientWidth;
    draw();
  }).observe(find("layer-chart"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function cyclesOf(data: PageData, resource: string): number {
  return data.explain.path.find((part) => part.resource === resource)?.cycles ?? 0;
}

function summary(data: PageData): string {
  const { layers, cycles } = data.explain;
  const slowest = [...layers].sort((a, b) => b.cycles - a.cycles).slice(0, 3)
    .map((l) => `${l.name} ${percent(l.cycles / Math.max(1, cycles))}`);
  return `Cycles of the critical path by layer and resource; the longest are ${slowest.join(", ")}. ` +
    "The table of layers has the figures.";
}

export function emptyChart(): void {
  find("layer-chart").replaceChildren(make("p", {}, "No layer has cycles of the critical path."));
}
