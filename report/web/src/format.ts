// Numbers and words as the page writes them.

const digits = new Intl.NumberFormat("en-US");

// 1234567 -> "1,234,567"
export function grouped(value: number): string {
  return digits.format(value);
}

// 0.1234 -> "12.3 %"
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

// 0.00123 -> "1.23 ms"
export function seconds(value: number): string {
  const units: [number, string][] = [
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "\u00b5s"],
    [1e-9, "ns"],
  ];
  const [factor, unit] = units.find(([f]) => value >= f) ?? units[3];
  return `${Number((value / factor).toPrecision(3))} ${unit}`;
}

// A gain as what it does to the time: 0.1 -> "-10.0 %".
export function saving(gain: number | null): string {
  if (gain === null) return "\u2013";
  if (Math.abs(gain) < 0.0005) return "0.0 %";
  return `${gain > 0 ? "\u2212" : "+"}${(100 * Math.abs(gain)).toFixed(1)} %`;
}

export function counted(count: number, one: string): string {
  return `${grouped(count)} ${one}${count === 1 ? "" : "s"}`;
}

// A number with a true minus sign.
export function signed(value: number): string {
  return value < 0 ? `\u2212${-value}` : String(value);
}

// 1234567 -> "1.23 M"
export function compact(value: number): string {
  const units: [number, string][] = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const unit = units.find(([factor]) => Math.abs(value) >= factor);
  if (!unit) return String(Number(value.toPrecision(3)));
  return `${Number((value / unit[0]).toPrecision(3))} ${unit[1]}`;
}
