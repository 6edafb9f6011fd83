// Hatchings: fills of parts that differ by hue and by lines.
import { readTheme } from "../paint";

const kSvg = "http://www.w3.org/2000/svg";
const kLines = ["", "M0,8L8,0", "M0,0L8,8", "M0,4H8", "M4,0V8", "M0,4H8M4,0V8", "M0,0L8,8M0,8L8,0"];

function element(name: string, attributes: Record<string, string>): Element {
  const made = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// The first `count` of them as fills; their patterns are kept in `box`, an SVG element.
export function hatchings(box: Element, count: number): string[] {
  const { hues, back } = readTheme();
  const places = [...Array(count).keys()];
  box.replaceChildren(...places.map((n) => {
    const pattern = element("pattern", { id: `hatch-${n}`, width: "8", height: "8", patternUnits: "userSpaceOnUse" });
    pattern.append(element("rect", { width: "8", height: "8", fill: hues[n % hues.length] }),
      element("path", { d: kLines[(n + Math.floor(n / hues.length)) % kLines.length], stroke: back, "stroke-width": "1.2" }));
    return pattern;
  }));
  return places.map((n) => `url(#hatch-${n})`);
}

export function hatchSwatch(n: number): Element {
  const svg = element("svg", { class: "swatch", viewBox: "0 0 22 14", "aria-hidden": "true" });
  svg.append(element("rect", { width: "22", height: "14", fill: `url(#hatch-${n})` }));
  return svg;
}
