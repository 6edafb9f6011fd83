// Lanes: the timeline's columns made ready to be searched by time.
import type { LaneColumns, TimelineData } from "./data";

export interface Piece {
  begin: number;
  end: number;
  name: string;
  layer: string;
  insn: number;
  rows: number;
  bytes: number;
  slices: number;
  busy: number;
  waited: number;
  cause: number;
}

export class Lane {
  readonly track: string;
  readonly begins: Float64Array;
  readonly ends: Float64Array;
  readonly columns: LaneColumns;
  private readonly source: TimelineData;

  constructor(columns: LaneColumns, source: TimelineData) {
    this.track = columns.track;
    this.columns = columns;
    this.source = source;
    const count = columns.gap.length;
    this.begins = new Float64Array(count);
    this.ends = new Float64Array(count);
    let at = 0;
    for (let i = 0; i < count; ++i) {
      this.begins[i] = at + columns.gap[i];
      at = this.ends[i] = this.begins[i] + columns.length[i];
    }
  }

  get size(): number {
    return this.begins.length;
  }

  // The first piece that ends after a cycle; size if there is none.
  after(cycle: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] > cycle) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // The piece that a cycle lies in; -1 if the unit is idle then.
  at(cycle: number): number {
    const i = this.after(cycle);
    return i < this.size && this.begins[i] <= cycle ? i : -1;
  }

  name(i: number): string {
    return this.source.names[this.columns.name[i]];
  }

  layer(i: number): string {
    return this.source.layers[this.columns.layer[i]];
  }

  piece(i: number): Piece {
    const c = this.columns;
    return {
      begin: this.begins[i],
      end: this.ends[i],
      name: this.name(i),
      layer: this.layer(i),
      insn: c.insn[i],
      rows: c.rows[i],
      bytes: c.bytes[i],
      slices: c.slices[i],
      busy: c.busy[i],
      waited: c.waited[i],
      cause: c.cause[i],
    };
  }
}

// The layers that the first matrix unit works on or waits for, a lane of its own.
export function layerLane(matrix: Lane, source: TimelineData): Lane {
  const columns: LaneColumns = {
    track: "layers", gap: [], length: [], name: [], layer: [], insn: [], rows: [], bytes: [],
    slices: [], busy: [], waited: [], cause: [],
  };
  let end = 0;
  for (let i = 0; i < matrix.size; ++i) {
    const last = columns.name.length - 1;
    const layer = matrix.columns.layer[i];
    const begin = matrix.begins[i];
    const length = matrix.ends[i] - begin;
    if (last >= 0 && columns.name[last] === layer && begin === end) {
      columns.length[last] += length;
      columns.busy[last] += length;
    } else {
      columns.gap.push(begin - end);
      columns.length.push(length);
      columns.busy.push(length);
      columns.name.push(layer);
      columns.layer.push(layer);
      columns.insn.push(0);
      columns.rows.push(-1);
      columns.bytes.push(-1);
      columns.slices.push(1);
      columns.waited.push(0);
      columns.cause.push(-1);
    }
    end = matrix.ends[i];
  }
  return new Lane(columns, { ...source, names: source.layers });
}
