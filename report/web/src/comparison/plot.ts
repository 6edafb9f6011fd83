// A plot in its box: drawn in the theme, again when width or theme change, one picture to a screen
// reader, and every mark of a value with an id.
import * as Plot from "@observablehq/plot";

import { make } from "../dom";
import { readTheme } from "../paint";
import type { Path } from "./data";

// What a mark's ariaLabel channel is given, to become its id.
export function markId(place: string, path: Path): string {
  return `#${place}.${path.join(".")}`;
}

export interface Drawing {
  label: string; // what the picture shows, in words
  options: (width: number) => Plot.PlotOptions;
}

export function drawPlot(box: HTMLElement, drawing: Drawing | null): void {
  if (drawing === null) return box.replaceChildren(make("p", { class: "help" }, "Nothing of what is shown has such figures."));
  const theme = readTheme();
  const width = box.clientWidth || 640;
  const chart = Plot.plot({
    width,
    style: { background: "transparent", color: theme.text, fontSize: "12px", overflow: "visible" },
    ...drawing.options(width),
  });
  // Within a picture its parts have no names of their own.
  for (const part of chart.querySelectorAll("[aria-label]")) {
    const name = part.getAttribute("aria-label") ?? "";
    if (name.startsWith("#")) part.id = name.slice(1);
    part.removeAttribute("aria-label");
  }
  chart.setAttribute("aria-label", drawing.label);
  chart.setAttribute("role", "img");
  box.replaceChildren(chart);
}

export function onResize(box: HTMLElement, draw: () => void): void {
  let width = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  }).observe(box);
}

export interface Axis {
  label: string;
  ticks: number[];
  show: (value: number) => string;
}

// Axes with exactly these ticks, each labelled (a logarithmic scale would drop some), and a grid.
export function axes(x: Axis, y: Axis): Plot.Markish[] {
  const options = ({ label, show }: Axis) => ({ label, labelArrow: "none" as const, text: (d: number) => show(d) });
  return [
    Plot.gridX(x.ticks),
    Plot.gridY(y.ticks),
    Plot.axisX(x.ticks, { ...options(x), labelAnchor: "center" }),
    Plot.axisY(y.ticks, options(y)),
  ];
}

// 1, 2 and 5 of each decade within [least, most]; the decades alone, or some of them, where there
// are many.
export function logTicks(least: number, most: number): number[] {
  const from = Math.floor(Math.log10(least));
  const to = Math.ceil(Math.log10(most));
  const digits = Math.log10(most / least) <= 3 ? [1, 2, 5] : [1];
  const step = Math.max(1, Math.ceil((to - from) / 10));
  const ticks: number[] = [];
  for (let decade = from; decade <= to; decade += step) {
    ticks.push(...digits.map((digit) => Number(`${digit}e${decade}`)));
  }
  return ticks.filter((tick) => tick >= least * 0.999 && tick <= most * 1.001);
}
