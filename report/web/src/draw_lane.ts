// One lane of the timeline on a canvas. A piece that is wider than a pixel is drawn by itself; what
// is narrower is summed by pixel, work below and waits above, so that no slice is lost from sight.
import type { Lane } from "./lanes";
import type { Fill, Paint } from "./paint";

export interface View {
  x: (cycle: number) => number; // of a pixel
  from: number; // cycles in view
  to: number;
  left: number; // pixels of the plot
  right: number;
}

export type LaneKind = "path" | "layers" | "unit";

export interface Band {
  kind: LaneKind;
  lane: Lane;
  top: number;
  height: number;
}

const kLeastText = 26; // pixels of a piece that shows its name

// Sums of what is narrower than a pixel.
class Pixels {
  private readonly busy: Float32Array;
  private readonly waited: Float32Array;
  private readonly fills = new Map<number, Fill>();
  private any = false;

  constructor(private readonly view: View) {
    const count = Math.max(1, Math.ceil(view.right - view.left));
    this.busy = new Float32Array(count);
    this.waited = new Float32Array(count);
  }

  add(x: number, busy: number, waited: number, fill: Fill): void {
    const pixel = Math.min(this.busy.length - 1, Math.max(0, Math.floor(x - this.view.left)));
    this.busy[pixel] += busy;
    this.waited[pixel] += waited;
    this.fills.set(pixel, fill);
    this.any = true;
  }

  draw(context: CanvasRenderingContext2D, band: Band, paint: Paint): void {
    if (!this.any) return;
    const cycles = (this.view.to - this.view.from) / (this.view.right - this.view.left);
    for (const [pixel, fill] of this.fills) {
      const busy = Math.min(1, this.busy[pixel] / cycles) * band.height;
      const waited = Math.min(band.height - busy, (this.waited[pixel] / cycles) * band.height);
      const bottom = band.top + band.height;
      const x = this.view.left + pixel;
      context.fillStyle = fill;
      context.fillRect(x, bottom - busy, 1, busy);
      context.fillStyle = paint.wait;
      context.fillRect(x, bottom - busy - waited, 1, waited);
    }
  }
}

function work(band: Band, i: number, paint: Paint): Fill {
  if (band.kind === "path") return paint.resource(band.lane.name(i));
  return band.kind === "layers" ? layerFill(band.lane.columns.layer[i], paint) : paint.theme.work;
}

// Neighbouring layers differ; their names tell which they are.
function layerFill(layer: number, paint: Paint): Fill {
  return layer % 2 === 0 ? paint.theme.bar : paint.theme.bar2;
}

function label(context: CanvasRenderingContext2D, band: Band, i: number, area: number[], paint: Paint) {
  const [begin, end] = area;
  if (end - begin < kLeastText) return;
  const waits = band.lane.columns.busy[i] === 0;
  const text = fit(context, band.lane.name(i), end - begin - 8);
  if (text === "") return;
  const middle = band.top + band.height / 2;
  const width = context.measureText(text).width;
  // Behind letters on a pattern there is a plain ground.
  if (band.kind !== "unit" || waits) {
    context.fillStyle = band.kind === "unit" ? paint.theme.waitBack : paint.theme.back;
    context.fillRect(begin + 2, middle - 8, width + 4, 16);
  }
  context.fillStyle = waits || band.kind !== "unit" ? paint.theme.text : paint.theme.workText;
  context.fillText(text, begin + 4, middle);
}

// As much of a text as fits, with an ellipsis; nothing if not even three letters do.
export function fit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let count = Math.min(text.length - 1, Math.floor(width / 4));
  while (count >= 3 && context.measureText(`${text.slice(0, count)}\u2026`).width > width) --count;
  return count >= 3 ? `${text.slice(0, count)}\u2026` : "";
}

function drawWide(context: CanvasRenderingContext2D, band: Band, i: number, area: number[], paint: Paint) {
  const c = band.lane.columns;
  const [begin, end] = area;
  const length = c.length[i];
  const busy = (c.busy[i] / length) * band.height;
  const waited = (c.waited[i] / length) * band.height;
  const bottom = band.top + band.height;
  const width = Math.max(1, end - begin - (end - begin > 4 ? 0.75 : 0));
  context.fillStyle = work(band, i, paint);
  context.fillRect(begin, bottom - busy, width, busy);
  context.fillStyle = paint.wait;
  context.fillRect(begin, bottom - busy - waited, width, waited);
  if (waited > 0 && width > 8) {
    context.strokeStyle = paint.theme.wait;
    context.lineWidth = 1;
    context.strokeRect(begin + 0.5, bottom - busy - waited + 0.5, width - 1, waited - 1);
  }
  label(context, band, i, area, paint);
}

// `dims(i)` says which pieces stand back.
export function drawLane(
  context: CanvasRenderingContext2D,
  band: Band,
  view: View,
  paint: Paint,
  dims: (i: number) => boolean,
): void {
  const pixels = new Pixels(view);
  const { lane } = band;
  for (let i = lane.after(view.from); i < lane.size && lane.begins[i] < view.to; ++i) {
    const begin = Math.max(view.left, view.x(lane.begins[i]));
    const end = Math.min(view.right, view.x(lane.ends[i]));
    if (end - begin < 1) {
      pixels.add(begin, lane.columns.busy[i], lane.columns.waited[i], work(band, i, paint));
      continue;
    }
    context.globalAlpha = dims(i) ? 0.25 : 1;
    drawWide(context, band, i, [begin, end], paint);
  }
  context.globalAlpha = 1;
  pixels.draw(context, band, paint);
}
