// The array example on the page: a table of PEs with what enters it and what falls out of it,
// stepped by buttons, a slider or the arrow keys.
import * as d3 from "d3";

import { ArrayStates, type Cell } from "./array_state";
import type { ArrayData } from "./data";
import { button, find, make } from "./dom";
import { signed } from "./format";
import { eventsAt } from "./rules";

const kPlayMilliseconds = 700;

export class ArrayView {
  private readonly states: ArrayStates;
  private readonly slider = find<HTMLInputElement>("array-slider");
  private cycle: number;
  private timer: number | undefined;
  private readonly play: HTMLButtonElement;

  constructor(private readonly data: ArrayData) {
    this.states = new ArrayStates(data);
    this.cycle = this.states.first;
    this.slider.min = String(this.states.first);
    this.slider.max = String(this.states.last);
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.play = button("Play", "Play the cycles one after another", () => this.toggle());
    this.addTools();
    find("array").addEventListener("keydown", (event) => this.key(event));
    this.matrix("array-x", data.x, "x");
    this.matrix("array-w", data.w, "w");
    this.go(this.states.passAt(this.states.data.passes[1].begin) ? data.passes[1].begin : this.cycle);
  }

  go(cycle: number): void {
    this.cycle = Math.min(this.states.last, Math.max(this.states.first, cycle));
    this.slider.value = String(this.cycle);
    this.draw();
  }

  private addTools(): void {
    find("array-tools").append(
      button("First", "First cycle", () => this.go(this.states.first)),
      button("\u25c0 Back", "One cycle back", () => this.go(this.cycle - 1)),
      button("Forward \u25b6", "One cycle forward", () => this.go(this.cycle + 1)),
      button("Last", "Last cycle", () => this.go(this.states.last)),
      this.play,
    );
    find("array-moments").append(
      ...this.states.moments().map(({ name, cycle }) =>
        button(name, `Go to cycle ${cycle}: ${name}`, () => this.go(cycle))),
    );
  }

  private toggle(): void {
    if (this.timer !== undefined) return this.stop();
    if (this.cycle === this.states.last) this.go(this.states.first);
    this.play.textContent = "Pause";
    this.timer = window.setInterval(() => {
      this.go(this.cycle + 1);
      if (this.cycle === this.states.last) this.stop();
    }, kPlayMilliseconds);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = undefined;
    this.play.textContent = "Play";
  }

  private key(event: KeyboardEvent): void {
    if (event.target === this.slider || event.ctrlKey || event.metaKey || event.altKey) return;
    const to: Record<string, number> = {
      ArrowRight: this.cycle + 1,
      ArrowLeft: this.cycle - 1,
      Home: this.states.first,
      End: this.states.last,
    };
    if (!(event.key in to)) return;
    event.preventDefault();
    this.go(to[event.key]);
  }

  // --- drawing ---

  private draw(): void {
    const t = this.cycle;
    find("array-cycle").textContent = `Cycle ${t}`;
    this.slider.setAttribute("aria-valuetext", `cycle ${t}`);
    d3.select(find("array-events"))
      .selectAll<HTMLLIElement, unknown>("li")
      .data(eventsAt(this.states, t))
      .join("li")
      .each(function (event) {
        this.replaceChildren(make("span", { class: "rule" }, event.rule), ` ${event.text}`);
      });
    this.drawArray(t);
    this.drawSums(t);
    this.markMatrices(t);
  }

  private drawArray(t: number): void {
    const { rows, columns } = this.data;
    const table = find("array-grid");
    const head = make("tr", {}, make("td", { class: "corner" }, "x \u25b8, w \u25be"));
    for (let c = 0; c < columns; ++c) {
      const feed = this.states.weightFeed(t, c);
      const text = feed ? `w[${feed.k},${feed.n}] \u25be` : "\u00b7";
      head.append(make("th", { scope: "col", class: "edge" }, make("span", { class: "index" },
        `column ${c}`), text));
    }
    const lines = d3.range(rows).map((r) => {
      const feed = this.states.feed(t, r);
      const text = feed ? `x[${feed.row},${feed.k}] \u25b8` : "\u00b7";
      const line = make("tr", {}, make("th", { scope: "row", class: "edge" },
        make("span", { class: "index" }, `row ${r}`), text));
      for (let c = 0; c < columns; ++c) line.append(cellElement(this.states.cell(t, r, c)));
      return line;
    });
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...lines, this.foot(t)));
  }

  // What falls out of each column in this cycle.
  private foot(t: number): HTMLElement {
    const line = make("tr", {}, make("th", { scope: "row", class: "edge" }, "out"));
    for (let c = 0; c < this.data.columns; ++c) {
      const sum = this.states.value("psum", t - 1, this.data.rows - 1, c);
      const written = this.data.writes.find(([at, , column]) => at === t && column === c);
      const text = written ? `\u25be ${signed(sum)}` : "\u00b7";
      const cell = make("td", { class: written ? "out now" : "out" }, text);
      if (written) cell.dataset.sum = String(sum);
      line.append(cell);
    }
    return line;
  }

  private drawSums(t: number): void {
    const sums = this.states.sums(t);
    const body = this.data.x.map((_, b) => {
      const line = make("tr", {}, make("th", { scope: "row" }, `row ${b}`));
      for (let n = 0; n < this.data.w[0].length; ++n) {
        const sum = sums.get(this.states.place(b, n));
        const all = this.states.passesOf(n);
        const cell = make("td", { "data-b": b, "data-n": n });
        if (n === this.data.columns) cell.classList.add("block");
        if (sum) {
          const whole = sum.passes === all;
          cell.append(signed(sum.value), make("span", { class: "part" }, whole ? " \u2713" : ` ${sum.passes}/${all}`));
          cell.dataset.value = String(sum.value);
          cell.classList.toggle("now", sum.now);
          cell.classList.toggle("whole", whole);
        } else {
          cell.append("\u00b7");
        }
        line.append(cell);
      }
      return line;
    });
    const head = make("tr", {}, make("td"));
    for (let n = 0; n < this.data.w[0].length; ++n) {
      head.append(make("th", { scope: "col", class: n === this.data.columns ? "block" : "" }, `col ${n}`));
    }
    find("array-sums").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  }

  private matrix(id: string, values: number[][], name: string): void {
    const head = make("tr", {}, make("td"));
    values[0].forEach((_, i) => head.append(make("th", { scope: "col" }, `${name}[\u00b7,${i}]`)));
    const lines = values.map((row, i) =>
      make("tr", {}, make("th", { scope: "row" }, `${name}[${i},\u00b7]`),
        ...row.map((value, j) => make("td", { "data-i": i, "data-j": j }, signed(value)))));
    find(id).replaceChildren(make("thead", {}, head), make("tbody", {}, ...lines));
  }

  // Which elements of x and w are in the array.
  private markMatrices(t: number): void {
    const inX = new Set<string>();
    const inW = new Set<string>();
    for (let r = 0; r < this.data.rows; ++r) {
      for (let c = 0; c < this.data.columns; ++c) {
        const cell = this.states.cell(t, r, c);
        if (cell.valid) inX.add(`${cell.row},${cell.k}`);
        const at = this.states.passAt(t - r - c);
        if (at) inW.add(`${at.pass.k + r},${at.pass.n + c}`);
      }
    }
    const mark = (id: string, set: Set<string>) =>
      d3.select(find(id)).selectAll<HTMLTableCellElement, unknown>("td[data-i]").classed("in", function () {
        return set.has(`${this.dataset.i},${this.dataset.j}`);
      });
    mark("array-x", inX);
    mark("array-w", inW);
  }
}

function cellElement(cell: Cell): HTMLElement {
  const classes = ["pe"];
  if (cell.valid) classes.push("valid");
  if (cell.switches) classes.push("switches");
  const element = make("td", { class: classes.join(" "), "aria-label": spoken(cell) });
  Object.assign(element.dataset, {
    r: cell.r, c: cell.c, activation: cell.activation, active: cell.active, psum: cell.psum,
    shadow: cell.shadow ?? "", valid: cell.valid ? 1 : 0,
  });
  const line = (name: string, text: string, note: string) =>
    make("span", { class: `line ${name}` }, text, make("span", { class: "note" }, note));
  element.append(
    line("a", cell.valid ? `${signed(cell.activation)} \u25b8` : "\u00b7",
      cell.valid ? `x[${cell.row},${cell.k}]` : ""),
    line("weight", `\u00d7 ${signed(cell.active)}`, cell.switches ? "S" : ""),
    line("next", cell.shadow === null ? "\u00b7" : `next ${signed(cell.shadow)}`,
      cell.captured ? "new" : cell.travelling === null ? "" : `${signed(cell.travelling)} \u25be`),
    line("sum", cell.valid ? `\u03a3 ${signed(cell.psum)}` : "\u00b7",
      cell.valid ? `${signed(cell.above)}+${signed(cell.activation)}\u00b7${bracketed(cell.active)}` : ""),
  );
  return element;
}

function bracketed(value: number): string {
  return value < 0 ? `(${signed(value)})` : String(value);
}

function spoken(cell: Cell): string {
  const parts = [`PE ${cell.r}, ${cell.c}: weight ${cell.active}`];
  if (cell.valid) {
    parts.push(`activation ${cell.activation}, x row ${cell.row} element ${cell.k}`,
      `partial sum ${cell.psum}`);
  } else {
    parts.push("no activation");
  }
  if (cell.switches) parts.push("switches to this weight now");
  if (cell.shadow !== null) parts.push(`next weight ${cell.shadow}`);
  if (cell.travelling !== null) parts.push(`weight ${cell.travelling} passes down`);
  return parts.join(", ");
}
