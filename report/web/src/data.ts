// What systole wrote into the page (report/page.cc), as it is.

export interface PathPart {
  resource: string;
  cycles: number;
}

export interface ExplainLayer {
  name: string;
  cycles: number;
  wasted: number;
  active: number;
  lanes: number;
  wait: string;
  wait_share: number;
}

export interface WhatIf {
  change: string;
  predicted_gain: number | null;
  gain: number | null;
  recompiled: boolean;
  of: "device" | "total"; // whose time gains are shares of
}

// `systole explain --json`, the same document.
export interface Explain {
  bound_by: string[];
  bound_text: string;
  model: string;
  machine: string;
  cycles: number;
  recorded_cycles: number;
  path: PathPart[];
  layers: ExplainLayer[];
  what_if: WhatIf[];
}

export interface Stall {
  name: string;
  meaning: string;
  cycles: number;
  tenths_of_percent: number;
  roots: PathPart[];
}

export interface UnitCycles {
  unit: string;
  busy: number;
  idle: number;
  waits: { name: string; cycles: number }[];
}

// Beside explain.layers, in the same order.
export interface LayerPlace {
  layer: number;
  kind: string;
  first: number;
  last: number;
  path: PathPart[];
}

export interface LaneColumns {
  track: string;
  gap: number[];
  length: number[];
  name: number[];
  layer: number[];
  insn: number[];
  rows: number[];
  bytes: number[];
  slices: number[];
  busy: number[];
  waited: number[];
  cause: number[];
}

export interface TimelineData {
  slices: number;
  grain: number;
  names: string[];
  layers: string[];
  lanes: LaneColumns[];
}

export interface Pass {
  k: number;
  n: number;
  acc: number;
  rows: number;
  accumulates: boolean;
  begin: number;
  end: number;
}

export interface ArrayData {
  rows: number;
  columns: number;
  code: string[];
  x: number[][];
  w: number[][];
  y: number[][];
  planes: { name: string; meaning: string }[];
  passes: Pass[];
  shifted: number[];
  frames: { cycle: number; planes: number[][] }[];
  writes: [number, number, number, number][];
}

export interface PageData {
  version: string;
  command: string;
  clock_hertz: number;
  rows: number;
  columns: number;
  matrix_units: number;
  batch: number;
  batches: number;
  device_seconds: number;
  host_seconds: number;
  explain: Explain;
  stalls: Stall[];
  units: UnitCycles[];
  layers: LayerPlace[];
  resources: { name: string; meaning: string }[];
  waits: { name: string; meaning: string }[];
  path: TimelineData;
  timeline: TimelineData;
  array: ArrayData;
}

export function readData(): PageData {
  const element = document.getElementById("systole-data");
  return JSON.parse(element?.textContent ?? "") as PageData;
}
