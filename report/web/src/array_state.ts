// The array example at a cycle: its registers, its accumulators, and which element of x, w and y
// each of them is. Values are the simulation's; only what they are called follows from the times at
// which passes began and tiles were in (rules T1 to T4).
import type { ArrayData, Pass } from "./data";

export interface Cell {
  r: number;
  c: number;
  valid: boolean; // its activation belongs to a row
  activation: number;
  row: number; // of x, of a valid activation
  k: number; // row of w and column of x
  active: number;
  shadow: number | null;
  captured: boolean; // the shadow weight came in this cycle
  travelling: number | null; // a weight on its way to a row below
  switches: boolean;
  above: number; // the partial sum that it added to
  psum: number;
}

export interface Sum {
  value: number;
  passes: number; // of those that add to it
  now: boolean; // written in this cycle
}

export class ArrayStates {
  readonly first: number;
  readonly last: number;
  private readonly frames = new Map<number, number[][]>();
  private readonly plane: Map<string, number>;

  constructor(readonly data: ArrayData) {
    const cycles = data.frames.map((frame) => frame.cycle);
    this.first = cycles[0];
    this.last = data.writes[data.writes.length - 1][0];
    this.plane = new Map(data.planes.map((plane, i) => [plane.name, i]));
    // A cycle without a frame left every register as it was.
    let next = 0;
    for (let t = this.first; t <= this.last; ++t) {
      if (next + 1 < cycles.length && cycles[next + 1] <= t) ++next;
      this.frames.set(t, data.frames[next].planes);
    }
  }

  value(name: string, t: number, r: number, c: number): number {
    const frame = this.frames.get(t);
    return frame ? frame[this.plane.get(name)!][r * this.data.columns + c] : 0;
  }

  // The cycle in which tile i's first row enters the top edge.
  shift(i: number): number {
    return this.data.shifted[i] - this.data.rows;
  }

  // The pass whose row r + c cycles after its injection is in PE(r, c) at the end of cycle t.
  passAt(t: number): { pass: Pass; index: number; row: number } | null {
    const { passes } = this.data;
    const index = passes.findIndex((pass) => t >= pass.begin && t < pass.begin + pass.rows);
    return index < 0 ? null : { pass: passes[index], index, row: t - passes[index].begin };
  }

  // The tile whose weight row r came to stand in PE(r, c) in cycle t: 2r + c after its shift began.
  private capturedAt(t: number, r: number, c: number): boolean {
    return this.data.shifted.some((_, i) => this.shift(i) + 2 * r + c === t);
  }

  private travels(t: number, r: number, c: number): boolean {
    return this.data.shifted.some((_, i) => {
      const row = t - this.shift(i) - r - c;
      return row > r && row < this.data.rows;
    });
  }

  cell(t: number, r: number, c: number): Cell {
    const at = this.passAt(t - r - c);
    const value = (name: string) => this.value(name, t, r, c);
    return {
      r,
      c,
      valid: value("valid") === 1,
      activation: value("activation"),
      row: at?.row ?? -1,
      k: (at?.pass.k ?? 0) + r,
      active: value("active"),
      shadow: value("shadow_full") === 1 ? value("shadow") : null,
      captured: value("shadow_full") === 1 && this.capturedAt(t, r, c),
      travelling: this.travels(t, r, c) ? value("travelling") : null,
      switches: value("switch") === 1,
      above: r === 0 ? 0 : this.value("psum", t - 1, r - 1, c),
      psum: value("psum"),
    };
  }

  // What enters row r of the left edge in cycle t: PE(r, 0)'s activation at its end.
  feed(t: number, r: number): { row: number; k: number } | null {
    const at = this.passAt(t - r);
    return at ? { row: at.row, k: at.pass.k + r } : null;
  }

  // What enters column c of the top edge in cycle t.
  weightFeed(t: number, c: number): { k: number; n: number } | null {
    for (let i = 0; i < this.data.shifted.length; ++i) {
      const row = t - this.shift(i) - c;
      if (row >= 0 && row < this.data.rows) {
        return { k: this.data.passes[i].k + row, n: this.data.passes[i].n + c };
      }
    }
    return null;
  }

  // Accumulators after cycle t, by accumulator row and column.
  sums(t: number): Map<string, Sum> {
    const sums = new Map<string, Sum>();
    for (const [at, row, column, value] of this.data.writes) {
      if (at > t) continue;
      const key = `${row},${column}`;
      sums.set(key, { value, passes: (sums.get(key)?.passes ?? 0) + 1, now: at === t });
    }
    return sums;
  }

  // Accumulator row and column of an element of y.
  place(b: number, n: number): string {
    const first = this.data.passes.find((p) => n >= p.n && n < p.n + this.data.columns)!;
    return `${first.acc + b},${n - first.n}`;
  }

  // Passes that add to an element of y.
  passesOf(n: number): number {
    return this.data.passes.filter((p) => n >= p.n && n < p.n + this.data.columns).length;
  }

  // Cycles worth a jump.
  moments(): { name: string; cycle: number }[] {
    const { passes, writes } = this.data;
    return [
      { name: "first weight", cycle: this.shift(0) },
      { name: "first row", cycle: passes[0].begin },
      { name: "first sum", cycle: writes[0][0] },
      { name: "next tile", cycle: passes[1].begin },
      { name: "last sum", cycle: this.last },
    ];
  }
}
