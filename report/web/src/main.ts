// The page: a run's timeline and tables, and a small array to step through.
import { ArrayView } from "./array_view";
import { emptyChart, layerChart } from "./charts";
import { readData, type PageData } from "./data";
import { find } from "./dom";
import { counted, grouped, seconds } from "./format";
import { layerTable, pathTable, stallTable, unitTable, whatIfTable } from "./tables";
import { TimelineView } from "./timeline";

function heading(data: PageData): void {
  const { explain } = data;
  document.title = `${explain.model} on ${explain.machine} \u2013 Systole`;
  find("title").textContent = `${explain.model} on ${explain.machine}`;
  const batches = data.batches === 1
    ? `1 batch of ${grouped(data.batch)}`
    : `${counted(data.batches, "batch").replace(/batchs$/, "batches")} of ${grouped(data.batch)}`;
  const units = data.matrix_units === 1 ? "" : `${data.matrix_units} times `;
  find("subtitle").textContent =
    `${grouped(explain.cycles)} cycles = ${seconds(data.device_seconds)} at ` +
    `${data.clock_hertz / 1e6} MHz, ${units}${data.rows} \u00d7 ${data.columns} multipliers, ${batches}` +
    (data.host_seconds > 0 ? `; the host's own steps ${seconds(data.host_seconds)} (priced)` : "");
  find("bound").textContent = explain.bound_text;
  find("command").textContent = data.command;
  find("version").textContent = data.version;
}

// What the timeline leaves out.
function notes(data: PageData): void {
  const { timeline, path, explain } = data;
  const texts: string[] = [];
  const merged = (what: string, grain: number, count: number) =>
    `${what}: ${grouped(count)} in the run; those that lie together within ${grouped(grain)} cycles ` +
    "are drawn as one, with the sums of their work and waits.";
  if (timeline.grain > 1) texts.push(merged("Slices of the units", timeline.grain, timeline.slices));
  if (path.grain > 1) texts.push(merged("Pieces of the critical path", path.grain, path.slices));
  if (explain.recorded_cycles < explain.cycles) {
    texts.push(`The critical path is that of the run's first ${grouped(explain.recorded_cycles)} cycles.`);
  }
  find("timeline-notes").textContent = texts.join(" ");
}

const data = readData();
heading(data);
notes(data);
const timeline = new TimelineView(data);
layerTable(data, timeline);
pathTable(data, timeline);
stallTable(data);
unitTable(data);
whatIfTable(data);
if (data.layers.length > 0) layerChart(data);
else emptyChart();
new ArrayView(data.array);
