// Looks: a target's colour and symbol, a precision's dashes, the same in every plot and table; and
// which of them are shown.
import { make } from "../dom";
import { readTheme } from "../paint";
import { comparison, shownSeries, type Series } from "./data";

const kSymbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;
export type SymbolName = (typeof kSymbols)[number];
const kDashes = ["none", "7 4", "2 4", "9 3 2 3", "12 6"];

const targets = [...new Set([...comparison.series, ...comparison.rows].map((s) => s.target))];
const precisions = [...new Set(comparison.series.map((s) => s.precision))];

const hidden = new Set<string>();
let everySetting = false;
const listeners: (() => void)[] = [];

export function onChange(listener: () => void): void {
  listeners.push(listener);
}

// Seven hues by seven symbols: 49 targets differ.
export function colourOf(target: string): string {
  const { hues } = readTheme();
  return hues[Math.max(0, targets.indexOf(target)) % hues.length];
}
export function symbolOf(target: string): SymbolName {
  const i = Math.max(0, targets.indexOf(target));
  return kSymbols[(i + Math.floor(i / kSymbols.length)) % kSymbols.length];
}
export function dashOf(precision: string): string {
  return kDashes[Math.max(0, precisions.indexOf(precision)) % kDashes.length];
}

export function isShown({ target, precision }: { target: string; precision: string }): boolean {
  return !hidden.has(target) && !hidden.has(precision);
}
export function showsEverySetting(): boolean {
  return everySetting;
}
// Places in `series`.
export function visibleSeries(): number[] {
  return shownSeries(everySetting).filter((i) => isShown(comparison.series[i]));
}

// Symbols as d3 draws them, of about one area.
const kShapes: Record<SymbolName, string> = {
  circle: "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z",
  square: "M-4.4,-4.4H4.4V4.4H-4.4Z",
  triangle: "M0,-6.2L5.4,3.1H-5.4Z",
  diamond: "M0,-6.7L3.9,0L0,6.7L-3.9,0Z",
  star: "M0,-6.4L1.5,-2L6.1,-2L2.4,0.8L3.8,5.2L0,2.5L-3.8,5.2L-2.4,0.8L-6.1,-2L-1.5,-2Z",
  wye: "M1.6,0.9V5.6H-1.6V0.9L-5.6,-1.4L-4,-4.2L0,-1.9L4,-4.2L5.6,-1.4Z",
  cross: "M-5.9,-2H-2V-5.9H2V-2H5.9V2H2V5.9H-2V2H-5.9Z",
};

const kSvg = "http://www.w3.org/2000/svg";

// The target's symbol in its colour, beside its name; the colour follows the theme by its class.
export function swatchOf(target: string): Element {
  const svg = document.createElementNS(kSvg, "svg");
  svg.setAttribute("viewBox", "-8 -8 16 16");
  svg.setAttribute("class", `mark hue-${Math.max(0, targets.indexOf(target)) % 7}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(kSvg, "path");
  path.setAttribute("d", kShapes[symbolOf(target)]);
  svg.append(path);
  return svg;
}

function dashSwatch(precision: string): Element {
  const svg = document.createElementNS(kSvg, "svg");
  svg.setAttribute("viewBox", "0 0 40 8");
  svg.setAttribute("class", "dash");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(kSvg, "path");
  line.setAttribute("d", "M0,4H40");
  line.setAttribute("stroke-dasharray", dashOf(precision));
  svg.append(line);
  return svg;
}

function toggle(name: string, swatch: Element): HTMLElement {
  const made = make("button", { type: "button", class: "toggle", "aria-pressed": "true" });
  made.append(swatch, make("span", {}, name));
  made.addEventListener("click", () => {
    hidden.has(name) ? hidden.delete(name) : hidden.add(name);
    made.setAttribute("aria-pressed", String(!hidden.has(name)));
    listeners.forEach((listener) => listener());
  });
  return made;
}

// The legend: buttons that show and hide a target or a precision.
export function fillLegend(box: HTMLElement): void {
  box.append(...targets.map((target) => toggle(target, swatchOf(target))));
  if (precisions.length > 1) box.append(...precisions.map((p) => toggle(p, dashSwatch(p))));
  if (shownSeries(true).length === shownSeries(false).length) return;
  const check = make("input", { type: "checkbox" });
  check.addEventListener("change", () => {
    everySetting = check.checked;
    listeners.forEach((listener) => listener());
  });
  box.append(make("label", { class: "check" }, check, "every setting, not the fastest alone"));
}

export function nameOf(series: Series): string {
  const threads = series.threads > 0 ? `/${series.threads}` : "";
  const setting = everySetting && series.settings !== "" ? `, ${series.settings}` : "";
  return `${series.target} ${series.precision}${threads}${setting}`;
}
