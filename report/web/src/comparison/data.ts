// The comparison as systole wrote it (compare/comparison/report_json.cc), and values of it by path.

export interface Part {
  name: string;
  seconds: number;
}

export interface Layer {
  name: string;
  operator: string;
  seconds: number;
  operations: number | null;
  memory_bytes: number | null;
  operations_per_second: number | null;
  operations_per_byte: number | null;
  parts: Part[];
  stalls: Part[];
}

export interface Time {
  seconds: number | null;
  device_seconds: number | null;
  host_seconds: number;
}

export interface Point {
  batch: number;
  busy: boolean;
  latency: Time;
  period: Time;
  throughput: number | null;
  operations_per_second: number | null;
  operations_per_byte: number | null;
  operations_per_link_byte: number | null;
  output_check: { compared: number; mismatches: number; max_difference: number | null } | null;
  layers_of: "period" | "latency";
  layers: Layer[];
  data_flow: { levels: { name: string; bytes: number }[] } | null;
}

export interface Series {
  target: string;
  kind: string;
  device: string;
  precision: string;
  threads: number;
  settings: string;
  error_percent: number | null;
  error_source: string;
  peak_operations_per_second: number;
  memory_bytes_per_second: number;
  cache_bytes_per_second: number | null;
  link_bytes_per_second: number | null;
  server: { batches: number[]; responses: { rate: number; load: number }[] };
  points: Point[];
}

export interface Row {
  scenario: string;
  target: string;
  kind: string;
  precision: string;
  threads: number;
  batch: number;
  best_setting: boolean;
  latency_seconds: number | null;
  throughput: number;
  reference: boolean;
  times_faster: number | null;
  error_low: number | null;
  error_high: number | null;
  quick: boolean;
  busy: boolean;
  simulated_against: string;
}

export interface Comparison {
  model: string;
  machine: string;
  machine_parameters: string;
  host: string;
  libraries: string[];
  version: string;
  date: string;
  command: string;
  p99_limit_seconds: number;
  headlines: string[];
  summary: string[];
  rules: string[];
  notes: string[];
  rows: Row[];
  means: object[];
  absent: object[];
  series: Series[];
}

export type Path = (string | number)[];

const text = document.getElementById("systole-data")?.textContent ?? "";
export const comparison = JSON.parse(text) as Comparison;

export function valueAt(path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], comparison);
}

// int8, or int8/2 on two threads.
export function typeOf({ precision, threads }: { precision: string; threads: number }): string {
  return threads > 0 ? `${precision}/${threads}` : precision;
}

// The places in `series` that are shown: of one target, kind and precision the setting that is the
// fastest at its best, or all.
export function shownSeries(all: boolean): number[] {
  const most = (s: Series) => Math.max(0, ...s.points.map((p) => p.throughput ?? 0));
  const alike = (a: Series, b: Series) =>
    a.target === b.target && a.kind === b.kind && a.precision === b.precision;
  const places = comparison.series.map((_, i) => i);
  if (all) return places;
  return places.filter((i) => {
    const one = comparison.series[i];
    return places.every((j) => {
      const other = comparison.series[j];
      if (i === j || !alike(one, other)) return true;
      return most(one) > most(other) || (most(one) === most(other) && i < j);
    });
  });
}
