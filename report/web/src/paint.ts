// Paint: colours and patterns. Work is solid, waits are hatched, and every resource of the critical
// path has a colour and a pattern of its own, so that nothing is told by colour alone.

export interface Theme {
  text: string;
  faint: string;
  line: string;
  back: string;
  work: string;
  workText: string;
  wait: string;
  waitBack: string;
  waitText: string;
  mark: string;
  bar: string;
  bar2: string;
  hues: string[];
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: value("text"),
    faint: value("faint"),
    line: value("line"),
    back: value("back"),
    work: value("work"),
    workText: value("work-text"),
    wait: value("wait"),
    waitBack: value("wait-back"),
    waitText: value("wait-text"),
    mark: value("mark"),
    bar: value("bar"),
    bar2: value("bar-2"),
    hues: [0, 1, 2, 3, 4, 5, 6].map((i) => value(`hue-${i}`)),
  };
}

type Draw = (context: CanvasRenderingContext2D, size: number) => void;

// Lines within a tile that is repeated; `size` is its side.
const draws: Draw[] = [
  () => {},
  (c, s) => line(c, [-1, s + 1, s + 1, -1]),
  (c, s) => line(c, [-1, -1, s + 1, s + 1]),
  (c, s) => line(c, [0, s / 2, s, s / 2]),
];

function line(context: CanvasRenderingContext2D, [x0, y0, x1, y1]: number[]): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function tile(fore: string, back: string, draw: Draw, width: number): HTMLCanvasElement {
  const size = 8;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d")!;
  context.fillStyle = back;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = fore;
  context.lineWidth = width;
  draw(context, size);
  return canvas;
}

export type Fill = string | CanvasPattern;

export class Paint {
  readonly theme: Theme;
  private readonly context: CanvasRenderingContext2D;
  private readonly resources = new Map<string, { fill: Fill; tile: HTMLCanvasElement }>();
  readonly waitTile: HTMLCanvasElement;
  readonly workTile: HTMLCanvasElement;
  readonly wait: Fill;

  // `resources` in the order of their cycles.
  constructor(context: CanvasRenderingContext2D, resources: string[]) {
    this.theme = readTheme();
    this.context = context;
    this.waitTile = tile(this.theme.wait, this.theme.waitBack, draws[1], 1.6);
    this.workTile = tile(this.theme.work, this.theme.work, draws[0], 1);
    this.wait = this.pattern(this.waitTile);
    const hues = this.theme.hues;
    resources.forEach((name, i) => {
      const draw = draws[Math.floor(i / hues.length) % draws.length];
      const made = tile(this.theme.back, hues[i % hues.length], draw, 2);
      this.resources.set(name, { fill: this.pattern(made), tile: made });
    });
  }

  resource(name: string): Fill {
    return this.resources.get(name)?.fill ?? this.theme.faint;
  }

  resourceTile(name: string): HTMLCanvasElement {
    return this.resources.get(name)?.tile ?? this.workTile;
  }

  private pattern(made: HTMLCanvasElement): Fill {
    return this.context.createPattern(made, "repeat")!;
  }
}
