// What happens in a cycle of the array example, each with the timing rule (docs/machine.md) that
// says when.
import type { ArrayStates } from "./array_state";

export interface Event {
  rule: string;
  text: string;
}

function list(items: string[]): string {
  if (items.length <= 2) return items.join(" and ");
  return `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;
}

function injected(states: ArrayStates, t: number): Event[] {
  const at = states.passAt(t);
  if (!at) return [];
  const { pass, index, row } = at;
  const s = pass.begin;
  const events: Event[] = [];
  if (row === 0 && index > 0 && s === states.data.passes[index - 1].begin + pass.rows) {
    events.push({
      rule: "T3",
      text: `Pass ${index} begins, s = ${s}: B = ${pass.rows} cycles after the one before, with ` +
        `another tile, while that one's last rows are still on their way.`,
    });
  } else if (row === 0) {
    events.push({ rule: "T3", text: `Pass ${index} begins: s = ${s}, B = ${pass.rows} rows.` });
  }
  events.push({
    rule: "T1",
    text: `Row ${row} of x enters at the left: element 0 in PE(0,0) now, element r in PE(r,0) in ` +
      `cycle s + b + r = ${s} + ${row} + r. Elements move one column to the right a cycle.`,
  });
  return events;
}

function switched(states: ArrayStates, t: number): Event[] {
  const { rows, columns, passes } = states.data;
  return passes.flatMap((pass, i) => {
    const wave = t - pass.begin;
    if (wave < 0 || wave > rows + columns - 2) return [];
    return [{
      rule: "T3",
      text: `Tile ${i} switches in along the wavefront r + c = ${wave} (marked S): with its first ` +
        `row each PE's shadow weight becomes active.`,
    }];
  });
}

function shifted(states: ArrayStates, t: number): Event[] {
  const { rows, columns, shifted: ends, passes } = states.data;
  return ends.flatMap((_, i) => {
    const begin = states.shift(i);
    const age = t - begin;
    if (age < 0 || age > 2 * (rows - 1) + columns - 1) return [];
    const start = age !== 0 ? "" : i > 0 && begin === passes[i - 1].begin
      ? ` It starts in the cycle in which tile ${i - 1} is switched to, as that frees the shadow.`
      : " It starts as soon as the tile is whole in the FIFO and the shadow is free.";
    const enters = age < rows ? `row ${age} of it enters column 0, ` : "";
    return [{
      rule: "T4",
      text: `Tile ${i} travels down: ${enters}row r stays in the shadow of PE(r,c) in cycle ` +
        `${begin} + 2r + c.${start}`,
    }];
  });
}

function summed(states: ArrayStates, t: number): Event[] {
  const { rows, passes, writes } = states.data;
  const arrivals = writes
    .filter(([at]) => at === t)
    .map(([, , column]) => ({ column, at: states.passAt(t - rows - column) }));
  const text = (accumulates: boolean) =>
    list(arrivals
      .filter(({ at }) => at?.pass.accumulates === accumulates)
      .map(({ column, at }) => `column ${column} of row ${at!.row}`));
  const events: Event[] = [];
  const said = [
    [text(false), "written over what the accumulators held, as this is the first of the passes"],
    [text(true), "added to the accumulators: read, add and write in this cycle"],
  ];
  for (const [sums, what] of said) {
    if (sums === "") continue;
    events.push({ rule: "T2", text: `Sums arrive below, in cycle s + b + R + c = ${t}: ${sums}; ${what}.` });
  }
  const done = passes.findIndex((pass) => pass.end === t + 1);
  if (done >= 0) {
    events.push({
      rule: "T2",
      text: `Pass ${done} is complete at s + B - 1 + R + C = ${t + 1}: all its sums can be read.`,
    });
  }
  return events;
}

export function eventsAt(states: ArrayStates, t: number): Event[] {
  const events = [...shifted(states, t), ...injected(states, t), ...switched(states, t),
    ...summed(states, t)];
  if (events.length > 0) return events;
  return [{ rule: "\u2013", text: "Nothing moves: the array waits for rows of x." }];
}
