// Timeline: a lane per unit under the critical path, on a canvas that zooms to single cycles. By
// mouse: drag, wheel (with Ctrl, or once the timeline has the focus), double click. By keyboard:
// arrows go from piece to piece and lane to lane, + and - zoom, 0 shows the whole run.
import * as d3 from "d3";

import type { PageData } from "./data";
import { find, make, button, swatch } from "./dom";
import { type Band, type View, drawLane, fit } from "./draw_lane";
import { counted, grouped } from "./format";
import { Lane, layerLane, type Piece } from "./lanes";
import { Paint } from "./paint";

const kAxis = 26;
const kLaneHeight = 22;
const kPathHeight = 30;
const kSpace = 5;
const kLabels = 104; // pixels of the lanes' names beside them
const kNarrow = 620; // a narrower plot has them above
const kAbove = 14;

const kUnitOrder = ["sequencer", "dma_in", "dma_out", "weights", "matrix", "activation", "vector",
  "load", "store", "host"];

export interface Range {
  begin: number;
  end: number;
  layer?: string;
}

export class TimelineView {
  private readonly canvas = find<HTMLCanvasElement>("timeline-canvas");
  private readonly details = find("timeline-details");
  private readonly tip = find("timeline-tip");
  private readonly context = this.canvas.getContext("2d")!;
  private readonly cycles: number;
  private readonly lanes: { kind: Band["kind"]; lane: Lane }[];
  private readonly zoom: d3.ZoomBehavior<HTMLCanvasElement, unknown>;
  private readonly order: string[];
  private transform = d3.zoomIdentity;
  private paint: Paint;
  private bands: Band[] = [];
  private width = 0;
  private height = 0;
  private selected = { lane: 0, piece: -1 };
  private marked: Range | null = null;

  constructor(private readonly data: PageData) {
    this.cycles = Math.max(1, data.explain.cycles);
    this.lanes = makeLanes(data);
    this.order = [...data.explain.path].sort((a, b) => b.cycles - a.cycles).map((p) => p.resource);
    this.paint = new Paint(this.context, this.order);
    this.zoom = d3
      .zoom<HTMLCanvasElement, unknown>()
      .scaleExtent([1, Math.max(1, this.cycles / 8)])
      .filter((event) => this.wants(event))
      .on("zoom", (event) => {
        this.transform = event.transform;
        this.draw();
      });
    d3.select(this.canvas).call(this.zoom);
    this.listen();
    this.addTools();
    this.legend();
    new ResizeObserver(() => this.resize()).observe(this.canvas.parentElement!);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    this.resize();
  }

  // Shows a range with a little around it, and marks it.
  show(range: Range): void {
    this.marked = range;
    const span = Math.max(8, (range.end - range.begin) * 1.1);
    const middle = (range.begin + range.end) / 2;
    this.zoomTo(middle - span / 2, middle + span / 2);
  }

  // The cycles in view.
  visible(): Range {
    const x = this.scale();
    const [from, to] = x.domain();
    return { begin: from, end: to };
  }

  swatch(resource: string): HTMLElement {
    return swatch(this.paint.resourceTile(resource));
  }

  private wants(event: Event): boolean {
    if (event instanceof WheelEvent) return event.ctrlKey || document.activeElement === this.canvas;
    return !(event as MouseEvent).ctrlKey && !(event as MouseEvent).button;
  }

  // --- geometry ---

  private get left(): number {
    return this.width < kNarrow ? 4 : kLabels;
  }

  private scale(): d3.ScaleLinear<number, number> {
    const base = d3.scaleLinear([0, this.cycles], [this.left, this.width - 4]);
    return this.transform.rescaleX(base);
  }

  private resize(): void {
    const narrow = this.canvas.parentElement!.clientWidth < kNarrow;
    this.width = this.canvas.parentElement!.clientWidth;
    let top = kAxis;
    this.bands = this.lanes.map(({ kind, lane }) => {
      if (narrow) top += kAbove;
      const height = kind === "path" ? kPathHeight : kLaneHeight;
      const band = { kind, lane, top, height };
      top += height + kSpace;
      return band;
    });
    this.height = top;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.height = `${this.height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const extent: [[number, number], [number, number]] = [
      [this.left, 0],
      [this.width - 4, this.height],
    ];
    this.zoom.extent(extent).translateExtent(extent);
    this.repaint();
  }

  private repaint(): void {
    this.paint = new Paint(this.context, this.order);
    this.legend();
    this.draw();
  }

  // --- drawing ---

  private draw(): void {
    const { context, paint } = this;
    const x = this.scale();
    const [from, to] = x.domain();
    const view: View = { x, from, to, left: this.left, right: this.width - 4 };
    context.clearRect(0, 0, this.width, this.height);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.drawAxis(x);
    this.drawMark(x);
    for (const band of this.bands) {
      context.strokeStyle = paint.theme.line;
      context.lineWidth = 1;
      context.strokeRect(view.left - 0.5, band.top - 0.5, view.right - view.left + 1, band.height + 1);
      const layer = this.marked?.layer;
      const dims = (i: number) => layer !== undefined && band.lane.layer(i) !== layer;
      drawLane(context, band, view, paint, dims);
      this.drawName(band);
    }
    this.drawSelection(x);
    find("timeline-range").textContent =
      `Cycles ${grouped(Math.round(from))} to ${grouped(Math.round(to))} of ${grouped(this.cycles)}`;
  }

  private drawName(band: Band): void {
    const { context } = this;
    context.fillStyle = this.paint.theme.text;
    const narrow = this.left < kLabels;
    const middle = narrow ? band.top - 8 : band.top + band.height / 2;
    context.fillText(fit(context, band.lane.track, narrow ? 200 : kLabels - 8), narrow ? 4 : 2, middle);
  }

  private drawAxis(x: d3.ScaleLinear<number, number>): void {
    const { context, paint } = this;
    context.textAlign = "center";
    context.lineWidth = 1;
    const count = Math.max(2, Math.floor((this.width - this.left) / 110));
    for (const tick of x.ticks(count)) {
      if (!Number.isInteger(tick)) continue;
      const at = Math.round(x(tick)) + 0.5;
      context.strokeStyle = paint.theme.line;
      context.beginPath();
      context.moveTo(at, kAxis - 6);
      context.lineTo(at, this.height);
      context.stroke();
      const text = grouped(tick);
      const half = context.measureText(text).width / 2;
      context.fillStyle = paint.theme.text;
      context.fillText(text, Math.min(this.width - half - 2, Math.max(half + 2, at)), 10);
    }
    context.textAlign = "left";
  }

  private drawMark(x: d3.ScaleLinear<number, number>): void {
    if (!this.marked) return;
    const begin = Math.max(this.left, x(this.marked.begin));
    const end = Math.min(this.width - 4, x(this.marked.end));
    if (end <= begin) return;
    this.context.fillStyle = this.paint.theme.mark;
    this.context.fillRect(begin, kAxis - 4, Math.max(1, end - begin), 3);
  }

  private drawSelection(x: d3.ScaleLinear<number, number>): void {
    const band = this.bands[this.selected.lane];
    if (this.selected.piece < 0 || !band) return;
    const begin = Math.max(this.left, x(band.lane.begins[this.selected.piece]));
    const end = Math.min(this.width - 4, x(band.lane.ends[this.selected.piece]));
    if (end < this.left || begin > this.width) return;
    this.context.strokeStyle = this.paint.theme.mark;
    this.context.lineWidth = 3;
    this.context.strokeRect(begin - 1.5, band.top - 1.5, Math.max(3, end - begin + 3), band.height + 3);
  }

  // --- what is under the mouse, or selected ---

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("mousemove", (event) => this.hover(event));
    canvas.addEventListener("mouseleave", () => (this.tip.hidden = true));
    canvas.addEventListener("click", (event) => {
      const hit = this.hit(event);
      if (hit) this.select(hit.lane, hit.piece);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  private hit(event: MouseEvent): { lane: number; piece: number } | null {
    const box = this.canvas.getBoundingClientRect();
    const y = event.clientY - box.top;
    const lane = this.bands.findIndex((b) => y >= b.top && y < b.top + b.height);
    if (lane < 0) return null;
    const cycle = this.scale().invert(event.clientX - box.left);
    const piece = this.bands[lane].lane.at(cycle);
    return piece < 0 ? null : { lane, piece };
  }

  private hover(event: MouseEvent): void {
    const hit = this.hit(event);
    this.tip.hidden = hit === null;
    if (!hit) return;
    this.tip.replaceChildren(...this.describe(hit.lane, hit.piece));
    const box = this.canvas.parentElement!.getBoundingClientRect();
    const at = event.clientX - box.left;
    const width = Math.min(320, box.width - 8);
    this.tip.style.width = `${width}px`;
    this.tip.style.left = `${Math.max(0, Math.min(at + 14, box.width - width - 4))}px`;
    this.tip.style.top = `${event.clientY - box.top + 18}px`;
  }

  private select(lane: number, piece: number): void {
    this.selected = { lane, piece };
    this.details.replaceChildren(...this.describe(lane, piece));
    this.draw();
  }

  private describe(lane: number, i: number): Node[] {
    const band = this.bands[lane];
    const piece = band.lane.piece(i);
    const title = `${band.lane.track}: ${piece.name}`;
    return [make("strong", {}, title), ...this.facts(band, piece).map((f) => make("div", {}, f))];
  }

  private facts(band: Band, piece: Piece): string[] {
    const length = piece.end - piece.begin;
    const facts = [
      `cycles ${grouped(piece.begin)} to ${grouped(piece.end)} (${counted(length, "cycle")})`,
    ];
    if (piece.slices > 1) {
      const sums = band.kind === "path" ? ""
        : `: ${grouped(piece.busy)} cycles of work, ${grouped(piece.waited)} of waiting`;
      facts.push(`${grouped(piece.slices)} pieces drawn as one, named by the longest${sums}`);
    } else if (band.kind === "unit") {
      facts.push(piece.waited > 0 ? `waits: ${this.waitMeaning(piece.name)}` : "at work");
    }
    if (piece.cause >= 0) {
      const { name, meaning } = this.data.resources[piece.cause];
      facts.push(`because of ${name}: ${meaning}`);
    }
    if (band.kind === "path") facts.push(this.meaning(piece.name));
    if (piece.layer !== "(none)") facts.push(`layer ${piece.layer}`);
    if (piece.insn > 0) facts.push(`instruction ${grouped(piece.insn)} of the program`);
    if (piece.rows >= 0) facts.push(counted(piece.rows, "row"));
    if (piece.bytes >= 0) facts.push(counted(piece.bytes, "byte"));
    return facts;
  }

  private meaning(resource: string): string {
    return this.data.resources.find((r) => r.name === resource)?.meaning ?? "";
  }

  private waitMeaning(name: string): string {
    const sync = /^(raw|war) (.+)$/.exec(name);
    if (sync) return sync[1] === "raw" ? `for what ${sync[2]} writes` : `until ${sync[2]} has read`;
    const known = [...this.data.stalls, ...this.data.waits].find((wait) => wait.name === name);
    return known?.meaning ?? name;
  }

  // --- keyboard and buttons ---

  private key(event: KeyboardEvent): void {
    const keys: Record<string, () => void> = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      ArrowDown: () => this.changeLane(1),
      ArrowUp: () => this.changeLane(-1),
      Home: () => this.select(this.selected.lane, 0),
      End: () => this.select(this.selected.lane, this.bands[this.selected.lane].lane.size - 1),
      "+": () => this.scaleBy(2),
      "=": () => this.scaleBy(2),
      "-": () => this.scaleBy(0.5),
      "0": () => this.whole(),
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  private step(by: number): void {
    const { lane } = this.bands[this.selected.lane];
    if (lane.size === 0) return;
    const first = lane.after(this.visible().begin);
    const next = this.selected.piece < 0 ? first : this.selected.piece + by;
    this.select(this.selected.lane, Math.min(lane.size - 1, Math.max(0, next)));
    this.reveal();
  }

  private changeLane(by: number): void {
    const { lane, piece } = this.selected;
    const view = this.visible();
    const cycle = piece < 0 ? view.begin : this.bands[lane].lane.begins[piece];
    const next = Math.min(this.bands.length - 1, Math.max(0, lane + by));
    const to = this.bands[next].lane;
    this.select(next, Math.min(to.size - 1, to.after(cycle)));
    this.reveal();
  }

  // Brings the selected piece into view.
  private reveal(): void {
    const { lane } = this.bands[this.selected.lane];
    const begin = lane.begins[this.selected.piece];
    const view = this.visible();
    if (begin >= view.begin && begin < view.end) return;
    const span = view.end - view.begin;
    this.zoomTo(begin - span / 4, begin + (span * 3) / 4);
  }

  private zoomTo(from: number, to: number): void {
    const span = Math.min(this.cycles, to - from);
    const begin = Math.min(Math.max(0, from), this.cycles - span);
    const k = this.cycles / span;
    const base = d3.scaleLinear([0, this.cycles], [this.left, this.width - 4]);
    const transform = d3.zoomIdentity.translate(this.left - base(begin) * k, 0).scale(k);
    d3.select(this.canvas).call(this.zoom.transform, transform);
  }

  private scaleBy(factor: number): void {
    const band = this.bands[this.selected.lane];
    const begin = this.selected.piece < 0 ? NaN : this.scale()(band.lane.begins[this.selected.piece]);
    const seen = begin >= this.left && begin <= this.width;
    const at: [number, number] = [seen ? begin : (this.left + this.width) / 2, 0];
    d3.select(this.canvas).call(this.zoom.scaleBy, factor, at);
  }

  whole(): void {
    this.marked = null;
    d3.select(this.canvas).call(this.zoom.transform, d3.zoomIdentity);
  }

  private addTools(): void {
    find("timeline-tools").append(
      button("+", "Zoom in", () => this.scaleBy(2)),
      button("\u2212", "Zoom out", () => this.scaleBy(0.5)),
      button("\u25c0", "Earlier", () => this.pan(-0.5)),
      button("\u25b6", "Later", () => this.pan(0.5)),
      button("Whole run", "Show the whole run", () => this.whole()),
    );
  }

  private pan(share: number): void {
    const view = this.visible();
    const by = (view.end - view.begin) * share;
    this.zoomTo(view.begin + by, view.end + by);
  }

  private legend(): void {
    const item = (picture: HTMLElement, text: string) => make("li", {}, picture, text);
    find("legend-units").replaceChildren(
      item(swatch(this.paint.workTile), "at work"),
      item(swatch(this.paint.waitTile), "waiting"),
      item(make("span", { class: "swatch", "aria-hidden": "true" }), "idle"),
    );
    find("legend-path").replaceChildren(...this.order.map((name) => item(this.swatch(name), name)));
  }
}

function makeLanes(data: PageData): { kind: Band["kind"]; lane: Lane }[] {
  const place = (track: string) => {
    const i = kUnitOrder.findIndex((unit) => track === unit || track.startsWith(`${unit}.`));
    return i < 0 ? kUnitOrder.length : i;
  };
  const units = data.timeline.lanes
    .map((columns) => new Lane(columns, data.timeline))
    .filter((lane) => lane.size > 0)
    .sort((a, b) => place(a.track) - place(b.track) || (a.track < b.track ? -1 : 1));
  const lanes: { kind: Band["kind"]; lane: Lane }[] = data.path.lanes.map((columns) => ({
    kind: "path", lane: new Lane(columns, data.path),
  }));
  const matrix = units.find((lane) => lane.track === "matrix");
  if (matrix) lanes.push({ kind: "layers", lane: layerLane(matrix, data.timeline) });
  for (const lane of units) lanes.push({ kind: "unit", lane });
  return lanes;
}
