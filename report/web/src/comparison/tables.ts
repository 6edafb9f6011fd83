// The table of rows by scenario, and how every figure was obtained.
import { find, make } from "../dom";
import { compact, grouped, seconds } from "../format";
import { comparison, type Path } from "./data";
import { figure, fillTable, withThreads, words, type Column } from "./figure";
import { isShown, showsEverySetting, swatchOf } from "./looks";

const kScenarios: [string, string][] = [
  ["single-stream", "Single-stream: one batch of 1 alone"],
  ["offline", "Offline: back to back at the batch size with the highest throughput"],
  ["server", "Server: the highest Poisson rate whose p99 response keeps the limit"],
  ["first inference", "First inference: from a cold start"],
  ["batch", "Every batch size: back to back"],
];

const times = (ratio: number) => `${Number(ratio.toPrecision(3))}\u00d7`;
const share = (value: number) => value.toFixed(3);
const hundredth = (value: number) => `${value.toFixed(2)} %`;

// The target's symbol before its name; what else is to be known of a row, after it.
function named(i: number, element: HTMLElement): Node {
  const { target } = comparison.rows[i];
  return make("span", { class: "named" }, swatchOf(target) as unknown as Node, element);
}

function marked(i: number, element: HTMLElement): Node {
  const row = comparison.rows[i];
  const more = (row.scenario === "server" && row.kind !== "published" ? " queue" : "") +
    (row.quick ? ", quick" : "") + (row.busy ? ", busy" : "");
  return make("span", {}, element, more);
}

function typed(i: number, element: HTMLElement): Node {
  return withThreads(comparison.rows[i], element);
}

function ratio(i: number, element: HTMLElement): Node {
  return comparison.rows[i].reference ? make("span", {}, "base", hiddenOf(element)) : element;
}

// Both ends of the error, or the one dash of none.
function within(i: number, element: HTMLElement): Node {
  if (comparison.rows[i].error_high === null) return element;
  return make("span", {}, element, " \u2013 ", figure("table", ["rows", i, "error_high"], share));
}

function hiddenOf(element: HTMLElement): HTMLElement {
  element.hidden = true;
  return element;
}

const of = (key: string) => (i: number): Path => ["rows", i, key];

const kColumns: Column<number>[] = [
  { head: "target", path: of("target"), around: named },
  { head: "kind", path: of("kind"), around: marked },
  { head: "type", path: of("precision"), around: typed },
  { head: "batch", path: of("batch"), show: grouped },
  { head: "latency", path: of("latency_seconds"), show: seconds },
  { head: "period", path: of("period_seconds"), show: seconds },
  { head: "samples/s", path: of("throughput"), show: compact },
  { head: "times faster", path: of("times_faster"), show: times, around: ratio },
  { head: "time within", path: of("error_low"), show: share, around: within },
  { head: "p99", path: of("p99_seconds"), show: seconds },
  { head: "device", path: of("device_seconds"), show: seconds },
  { head: "of peak", path: of("peak_percent"), show: hundredth },
  { head: "bound by", path: of("bound_by") },
];

export function rowTables(): () => void {
  const boxes = kScenarios.map(([scenario, text]) => {
    const heading = make("h3", {}, text);
    const table = make("table", { class: "rows" });
    const box = make("div", {}, heading, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": text }, table));
    return { scenario, table, box };
  });
  const every = boxes[boxes.length - 1];
  every.box.firstElementChild?.remove();
  find("row-tables").replaceChildren(...boxes.slice(0, -1).map(({ box }) => box),
    make("details", {}, make("summary", {}, kScenarios[kScenarios.length - 1][1]), every.box));
  return () => {
    for (const { scenario, table, box } of boxes) {
      const rows = comparison.rows.map((_, i) => i).filter((i) => {
        const row = comparison.rows[i];
        return row.scenario === scenario && isShown(row) && (row.best_setting || showsEverySetting());
      });
      rows.sort((a, b) => (scenario === "batch" ? 0 : comparison.rows[b].throughput - comparison.rows[a].throughput));
      box.hidden = rows.length === 0;
      fillTable(table, "table", kColumns, rows);
    }
  };
}

const places = (list: unknown[]) => list.map((_, i) => i);

function machinePairs(): void {
  const rows = places(comparison.rows).filter((i) => {
    const row = comparison.rows[i];
    return row.simulated_against !== "" && row.scenario !== "batch";
  });
  find("machines").hidden = rows.length === 0;
  fillTable<number>(find("machine-table"), "machines", [
    { head: "machine", path: of("target") },
    { head: "against", path: of("simulated_against") },
    { head: "scenario", path: of("scenario") },
    { head: "batch", path: of("batch"), show: grouped },
    { head: "times faster", path: of("times_faster_than_it"), show: times },
    { head: "what differs", path: of("differs") },
    { head: "where the cycles differ", path: of("cycles_differ") },
  ], rows);
}

function meanTable(): void {
  const at = (key: string) => (i: number): Path => ["means", i, key];
  find("means").hidden = comparison.means.length === 0;
  fillTable<number>(find("mean-table"), "means", [
    { head: "target", path: at("target") },
    { head: "kind", path: at("kind") },
    { head: "type", path: at("precision") },
    { head: "times faster than the base", path: at("geometric_mean_times_faster"), show: times },
    { head: "batch sizes", path: at("batches"), show: grouped },
  ], places(comparison.means));
}

function sourceTable(): void {
  const at = (key: string) => (i: number): Path => ["series", i, key];
  const check = (key: string) => (i: number): Path => {
    const { points } = comparison.series[i];
    const checked = Math.max(0, points.findIndex((p) => p.output_check !== null));
    return ["series", i, "points", checked, "output_check", key];
  };
  fillTable<number>(find("source-table"), "source", [
    { head: "target", path: at("target"), around: (i, e) => make("span", { class: "named" }, swatchOf(comparison.series[i].target), e) },
    { head: "kind", path: at("kind") },
    { head: "type", path: at("precision"), around: (i, e) => withThreads(comparison.series[i], e) },
    { head: "device", path: at("device") },
    { head: "setting", path: at("settings") },
    { head: "error", path: at("error_percent"), show: hundredth },
    { head: "how the error is known", path: at("error_source") },
    { head: "outputs compared", path: check("compared"), show: grouped },
    { head: "that differ", path: check("mismatches"), show: grouped },
    { head: "by at most", path: check("max_difference"), show: compact },
    { head: "of", path: check("metric") },
  ], places(comparison.series));
  const none = (key: string) => (i: number): Path => ["absent", i, key];
  find("absent").hidden = comparison.absent.length === 0;
  fillTable<number>(find("absent-table"), "absent", [
    { head: "target", path: none("target") },
    { head: "type", path: none("precision") },
    { head: "reason", path: none("reason") },
  ], places(comparison.absent));
}

function list(id: string, key: string, texts: string[]): void {
  find(id).replaceChildren(...texts.map((_, i) => make("li", {}, words(key, [key, i]))));
}

export function texts(): void {
  document.title = `${comparison.model}: targets compared \u2013 Systole`;
  find("title").replaceChildren(words("title", ["model"]), ": targets compared");
  find("subtitle").replaceChildren("simulated: ", words("title", ["machine"]), "; on ", words("title", ["host"]), ", ",
    words("title", ["date"]));
  list("headlines", "headlines", comparison.headlines);
  list("summary", "summary", comparison.summary);
  find("summary").hidden = comparison.summary.length === 0; // one target alone
  list("rules", "rules", comparison.rules);
  list("notes", "notes", comparison.notes);
  list("libraries", "libraries", comparison.libraries);
  find("parameters").replaceChildren(words("how", ["machine_parameters"]));
  find("command").replaceChildren(words("how", ["command"]));
  find("version").replaceChildren(words("how", ["version"]));
  find("hash").replaceChildren(words("how", ["model_hash"]));
  machinePairs();
  meanTable();
  sourceTable();
}
