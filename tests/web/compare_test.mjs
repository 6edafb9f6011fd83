// The page of a comparison: every figure is the JSON's, in text and in plots; legend, choices, folds,
// downloads, themes, hostile names.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { folder, makeReport, open, shots } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const reports = {};

before(() => {
  const quick = ["--seconds", "0.01"];
  reports.mlp = makeReport("mlp", "mlp:784,512,10", "--batches", "1..64", ...quick,
    "--targets", "tpu:tpu_v1,tpu:tpu_v1_prime,cpu:host,gpu:k80,gpu:h100,cpu:haswell,paper:k80");
  reports.alone = makeReport("alone", "vadd:4096", "--targets", "tpu:");
});

const comparisonOf = ({ report }) => JSON.parse(readFileSync(join(report, "comparison.json"), "utf8"));

// "table-0.rows.3.latency_seconds" is what the JSON has there.
function valueAt(json, id) {
  const [, ...path] = id.split(".");
  return path.reduce((at, key) => (at === null ? null : at?.[key]), json);
}

async function openAll(page) {
  for (const fold of await page.locator("details").all()) await fold.evaluate((d) => (d.open = true));
  await page.waitForFunction(() => [...document.querySelectorAll("details table")].every((t) => t.rows.length > 0));
}

const kUnits = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, s: 1, ms: 1e-3, "\u00b5s": 1e-6, ns: 1e-9, "%": 1, "\u00d7": 1 };

// What a reader takes from a figure's text.
function read(text) {
  const [, number, unit] = text.match(/^(-?[\d.,]+(?:e[-+]?\d+)?)\s*(\D*)$/) ?? assert.fail(text);
  assert.ok(unit in kUnits, text);
  return { value: Number(number.replaceAll(",", "")) * kUnits[unit], unit };
}

function checkFigure(json, { id, value, text }) {
  const expected = valueAt(json, id);
  assert.notEqual(expected, undefined, `${id} is not in the JSON`);
  if (expected === null) return assert.deepEqual([value, text || "\u2013"], ["", "\u2013"], id);
  assert.equal(Number(value), expected, id);
  if (text === "") return;
  const shown = read(text);
  const share = shown.unit === "%" && !/percent/.test(id) ? 100 : 1;
  const error = Math.abs(shown.value - expected * share);
  assert.ok(error <= Math.abs(expected * share) * 0.006 + (shown.unit === "%" ? 0.051 : 0), `${id}: ${text}, ${expected}`);
}

test("every figure and every word of the comparison is the JSON's", async () => {
  for (const report of Object.values(reports)) {
    const json = comparisonOf(report);
    const { page, data, close } = await open(report.url);
    await openAll(page);
    for (const measurement of json.measurements) delete measurement.samples;
    assert.deepEqual(data, json);
    const figures = await page.locator("data").evaluateAll((all) =>
      all.map((e) => ({ id: e.id, value: e.value, text: e.checkVisibility() ? e.textContent : "" })));
    assert.ok(figures.length > 50);
    for (const figure of figures) checkFigure(json, figure);
    const words = await page.locator(".words").evaluateAll((all) =>
      all.map((e) => ({ id: e.id, text: e.textContent })));
    for (const { id, text } of words) {
      const value = valueAt(json, id) ?? "";
      assert.equal(text, Array.isArray(value) ? value.join(" and ") : String(value), id);
    }
    const ids = await page.locator("[id]").evaluateAll((all) => all.map((e) => e.id));
    assert.equal(new Set(ids).size, ids.length, "an id is there twice");
    await close();
  }
});

test("no number stands in a table without an id", async () => {
  const { page, close } = await open(reports.mlp.url);
  await openAll(page);
  const bare = await page.locator("tbody td, tbody th").evaluateAll((cells) => cells.flatMap((cell) => {
    const copy = cell.cloneNode(true);
    for (const known of copy.querySelectorAll("data, .words")) known.remove();
    const text = copy.textContent.replace(/^\/\d+$|, \d+ threads$/, ""); // a type's threads
    return /\d/.test(text) ? [text] : [];
  }));
  assert.deepEqual(bare, []);
  await close();
});

test("the summary, the rules and the notes are those of the JSON", async () => {
  const json = comparisonOf(reports.mlp);
  const { page, close } = await open(reports.mlp.url);
  const texts = (id) => page.locator(`#${id} li`).allTextContents();
  assert.deepEqual(await texts("headlines"), json.headlines);
  assert.deepEqual(await texts("summary"), json.summary);
  assert.equal(json.rules.length, 15);
  assert.deepEqual(await texts("rules"), json.rules);
  assert.deepEqual(await texts("notes"), json.notes);
  await close();
});

// Marks of a plot by id, at their middles.
const marksOf = (page, place) => page.evaluate((start) =>
  [...document.querySelectorAll("svg [id]")].filter((e) => e.id.startsWith(`${start}.`)).map((e) => {
    const { left, right, top, bottom } = e.getBoundingClientRect();
    return { id: e.id, x: (left + right) / 2, y: (top + bottom) / 2 };
  }), place);

// That positions are a straight line of the logarithm, within what a symbol's middle is off.
function checkLogScale(pairs, name) {
  pairs.sort((a, b) => a.value - b.value);
  const [first, last] = [pairs[0], pairs[pairs.length - 1]];
  // The link's operations a byte are the same at every batch size.
  const slope = last.value > first.value ? (last.at - first.at) / Math.log(last.value / first.value) : 0;
  for (const { value, at, id } of pairs) {
    const expected = first.at + slope * Math.log(value / first.value);
    assert.ok(Math.abs(at - expected) < 4, `${name}: ${id} at ${at}, not ${expected}`);
  }
}

test("marks of the plots stand where the JSON's figures say", async () => {
  const json = comparisonOf(reports.mlp);
  const { page, close } = await open(reports.mlp.url);
  await page.locator("#roof-link").check();
  const check = async (place, x, least) => {
    const marks = await marksOf(page, place);
    assert.ok(marks.length >= least, `${place}: ${marks.length} marks`);
    checkLogScale(marks.map(({ id, y }) => ({ id, at: y, value: valueAt(json, id) })), `${place}, y`);
    checkLogScale(marks.map(({ id, x: at }) => ({ id, at, value: valueAt(json, x(id)) })), `${place}, x`);
  };
  const beside = (key) => (id) => id.replace(/\.[^.]*$/, `.${key}`);
  const batchOf = (id) => id.replace(/(\.points\.\d+)\..*$/, "$1.batch").replace(/(\.rows\.\d+)\..*$/, "$1.batch");
  await check("throughput", batchOf, 40);
  await check("latency", batchOf, 40);
  await check("roofline", beside("operations_per_byte"), 40);
  await check("roofline-layer", beside("operations_per_byte"), 10);
  await check("roofline-link", beside("operations_per_link_byte"), 10);
  await check("response", beside("rate"), 60);
  await close();
});

test("a target has one colour and one symbol everywhere, and no two are alike", async () => {
  const json = comparisonOf(reports.mlp);
  const { page, close } = await open(reports.mlp.url);
  const seen = new Map();
  for (const place of ["throughput", "latency", "roofline", "response"]) {
    const marks = await page.evaluate((start) =>
      [...document.querySelectorAll("svg path[id]")].filter((e) => e.id.startsWith(`${start}.series`))
        .map((e) => ({ id: e.id, fill: getComputedStyle(e)[["roofline", "response"].includes(start) ? "fill" : "stroke"] })), place);
    for (const { id, fill } of marks) {
      const { target } = json.series[Number(id.split(".")[2])];
      assert.equal(seen.get(target) ?? fill, fill, `${target} in ${place}`);
      seen.set(target, fill);
    }
  }
  const legend = await page.locator("#legend .toggle .mark").evaluateAll((all) => all.map((svg) => {
    const fill = getComputedStyle(svg).fill;
    return [svg.parentElement.textContent, fill, svg.firstChild.getAttribute("d")];
  }));
  for (const [target, fill] of legend) assert.equal(seen.get(target) ?? fill, fill, target);
  assert.equal(new Set(legend.map(([, fill, shape]) => fill + shape)).size, legend.length);
  assert.equal(new Set(legend.map(([, , shape]) => shape)).size, Math.min(7, legend.length));
  await close();
});

test("the legend hides a target by keyboard, in tables and plots", async () => {
  const json = comparisonOf(reports.mlp);
  const { page, close } = await open(reports.mlp.url);
  const button = page.locator("#legend").getByRole("button", { name: "gpu:h100" });
  const rows = () => page.locator("#row-tables tbody th").allTextContents();
  assert.ok((await rows()).includes("gpu:h100"));
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.ok(!(await rows()).includes("gpu:h100"));
  for (const { id } of await marksOf(page, "throughput")) {
    assert.notEqual(json[id.split(".")[1]][Number(id.split(".")[2])].target, "gpu:h100");
  }
  await page.keyboard.press("Enter");
  assert.ok((await rows()).includes("gpu:h100"));
  await close();
});

test("choices change what the plots show", async () => {
  const { page, close } = await open(reports.mlp.url);
  await page.locator("#layer-batch").selectOption("1");
  for (const { id } of await marksOf(page, "roofline-layer")) assert.match(id, /points\.0\./);
  const before = await marksOf(page, "response");
  await page.locator("#response-share").selectOption("p50_seconds");
  const after = await marksOf(page, "response");
  assert.equal(after.length, before.length);
  assert.match(after[0].id, /p50_seconds$/);
  await page.locator("#layer-what").selectOption("stalls");
  const label = await page.locator("#stack-chart svg").getAttribute("aria-label");
  assert.match(label, /tpu:tpu_v1 int8, tpu:tpu_v1_prime int8/);
  await page.locator("#layer-scale").selectOption("seconds");
  assert.ok(await page.locator("#stack-chart rect").count() > 0);
  await close();
});

test("the data of every plot are there to be saved", async () => {
  const json = comparisonOf(reports.mlp);
  const { page, close } = await open(reports.mlp.url);
  const saved = async (button) => {
    const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
  };
  const buttons = await page.locator("button.save").all();
  const files = new Map();
  for (const button of buttons) {
    const { name, text } = await saved(button);
    files.set(name, text);
  }
  assert.deepEqual([...files.keys()].sort(), ["batches.csv", "comparison.json", "layers.csv", "levels.csv",
    "models.csv", "responses.csv", "roofs.csv", "stacks.csv"]);
  assert.deepEqual(JSON.parse(files.get("comparison.json")).rows, json.rows);
  const lines = files.get("roofs.csv").trim().split("\n");
  assert.equal(lines[0].split(",")[0], "series.target");
  const peaks = json.series.map((s) => String(s.peak_operations_per_second));
  for (const line of lines.slice(1)) assert.ok(peaks.includes(line.split(",").at(-4)), line);
  await close();
});

const kSizes = { wide: 1280, middle: 800, narrow: 400 };

for (const scheme of ["light", "dark"]) {
  for (const [size, width] of Object.entries(kSizes)) {
    test(`nothing serious for axe, nothing cut off: ${scheme}, ${size}`, async () => {
      for (const [name, { url }] of Object.entries(reports)) {
        const { page, close } = await open(url, { scheme });
        await page.setViewportSize({ width, height: 800 });
        if (shots) {
          await page.screenshot({ path: join(shots, `compare-${name}-${scheme}-${size}.png`), fullPage: true });
        }
        if (size === "wide") await openAll(page); // all that there is, once: axe takes its time
        await page.evaluate(axe);
        const result = await page.evaluate(() => window.axe.run());
        const serious = result.violations.filter((v) => ["serious", "critical"].includes(v.impact));
        assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0].html}`), []);
        const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
        assert.ok(scroll <= inner, `${name}: ${scroll} pixels in ${inner}`);
        const hidden = await page.locator(".chart svg").evaluateAll((all) => all.flatMap((svg) => {
          const box = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((text) => {
            const { left, right } = text.getBoundingClientRect();
            return left < box.left - 1 || right > box.right + 1;
          }).map((text) => text.textContent);
        }));
        assert.deepEqual(hidden, []);
        await close();
      }
    });
  }
}

test("hostile text is text and nothing else", async () => {
  const source = readFileSync(join(reports.mlp.report, "report.html"), "utf8");
  const evil = "</script><img src=x onerror=\"document.title='hit'\"><!-- <b>\u2028'\"";
  const mark = '<script type="application/json" id="systole-data">';
  const begin = source.indexOf(mark) + mark.length;
  const end = source.indexOf("</script>", begin);
  const data = JSON.parse(source.slice(begin, end), (key, value) =>
    typeof value === "string" && !["scenario", "kind", "layers_of"].includes(key) ? evil : value);
  const text = JSON.stringify(data).replace(/[<>&\u2028]/g, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const file = join(folder, "evil-report.html");
  writeFileSync(file, source.slice(0, begin) + text + source.slice(end));
  const { page, close } = await open(pathToFileURL(file).href);
  await openAll(page);
  assert.equal(await page.locator("#title").textContent(), `${evil}: targets compared`);
  assert.equal(await page.locator("img").count(), 0);
  assert.notEqual(await page.title(), "hit");
  await close();
});
