// Figures: every number and every text of the comparison that the page shows is an element whose id
// is where it stands, a dot, and its path in the JSON, so that a test can read them all.
import { make } from "../dom";
import { typeOf, valueAt, type Path } from "./data";

export type Show = (value: number) => string;

const kUnknown = "\u2013";

// A number as `show` writes it, exact in the element's value.
export function figure(place: string, path: Path, show: Show): HTMLElement {
  const value = valueAt(path);
  const known = typeof value === "number";
  return make("data", { id: `${place}.${path.join(".")}`, value: known ? String(value) : "" },
    known ? show(value) : kUnknown);
}

export function words(place: string, path: Path): HTMLElement {
  const value = valueAt(path);
  const text = Array.isArray(value) ? value.join(" and ") : String(value ?? "");
  return make("span", { id: `${place}.${path.join(".")}`, class: "words" }, text);
}

// A precision with its threads behind it: int8/2.
export function withThreads(of: { precision: string; threads: number }, element: HTMLElement): Node {
  return make("span", {}, element, typeOf(of).slice(of.precision.length));
}

// A column of a table: what stands in it, where it comes from, how it is written (as text without).
export interface Column<R> {
  head: string;
  path: (row: R) => Path;
  show?: Show;
  around?: (row: R, element: HTMLElement) => Node; // with what belongs to it
}

export function fillTable<R>(table: HTMLElement, place: string, columns: Column<R>[], rows: R[]): void {
  const kind = ({ show }: Column<R>) => (show ? "number" : "");
  const head = make("tr", {}, ...columns.map((c) => make("th", { scope: "col", class: kind(c) }, c.head)));
  const body = rows.map((row, n) => make("tr", {}, ...columns.map((column, i) => {
    const path = column.path(row);
    const line = `${place}-${n}`; // of one table several lines may name the same target
    const plain = column.show ? figure(line, path, column.show) : words(line, path);
    const cell = column.around ? column.around(row, plain) : plain;
    return i === 0 ? make("th", { scope: "row" }, cell) : make("td", { class: kind(column) }, cell);
  })));
  table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
}

function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  // A spreadsheet would compute what begins like a formula.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvText<R>(columns: Column<R>[], rows: R[]): string {
  const name = (path: Path) => path.filter((key) => typeof key === "string").join(".");
  const lines = rows.map((row) => columns.map((c) => csvCell(valueAt(c.path(row)))).join(","));
  const heads = rows.length > 0 ? columns.map((c) => csvCell(name(c.path(rows[0])))) : columns.map((c) => c.head);
  return `${[heads.join(","), ...lines].join("\n")}\n`;
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// The data behind a plot: a fold with their table, made when it is first opened, and a button that
// saves them. `rows` are those of the plot as it is now.
export class DataFold<R> {
  private readonly table = make("table");
  private readonly fold: HTMLDetailsElement;
  constructor(box: HTMLElement, private readonly place: string, title: string,
              private readonly columns: Column<R>[], private readonly rows: () => R[]) {
    const save = make("button", { type: "button", class: "save" }, `Save ${place}.csv`);
    save.addEventListener("click", () => download(`${place}.csv`, "text/csv", csvText(columns, rows())));
    const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, this.table);
    this.fold = make("details", {}, make("summary", {}, title), scroll);
    this.fold.addEventListener("toggle", () => this.fill());
    box.replaceChildren(make("div", { class: "tools small" }, save), this.fold);
  }
  open(): void {
    this.fold.open = true;
  }
  fill(): void {
    if (this.fold.open) fillTable(this.table, this.place, this.columns, this.rows());
  }
}
