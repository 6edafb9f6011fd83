// The page of a comparison: what is said of it, tables, plots and the figures behind them.
import { find, make } from "../dom";
import { grouped } from "../format";
import { batchPlots } from "./batches";
import { comparison } from "./data";
import { download } from "./figure";
import { flowTables } from "./flow";
import { layerStacks } from "./layers";
import { fillLegend, onChange } from "./looks";
import { responsePlot } from "./responses";
import { roofline } from "./roofline";
import { rowTables, texts } from "./tables";

// Batch sizes that have layers, the largest chosen.
function fillBatches(): void {
  const sizes = comparison.series.flatMap((s) => s.points.filter((p) => p.layers.length > 0).map((p) => p.batch));
  const sorted = [...new Set(sizes)].sort((a, b) => a - b);
  find("layer-batch").replaceChildren(...sorted.map((batch, i) =>
    make("option", { value: batch, selected: i === sorted.length - 1 }, grouped(batch))));
}

texts();
fillLegend(find("legend"));
fillBatches();
const draws: (() => void)[] = [];
const redraw = () => draws.forEach((draw) => draw());
draws.push(rowTables(), batchPlots(), roofline(), layerStacks(redraw), responsePlot(), flowTables());
redraw();
onChange(redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
find("save-json").addEventListener("click", () =>
  download("comparison.json", "application/json", find("systole-data").textContent ?? ""));
