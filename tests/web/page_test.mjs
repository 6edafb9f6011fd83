// The page of a run: timeline, tables, themes, hostile names.
//   SYSTOLE=build/check/systole SHOTS=FOLDER node --test tests/web/*_test.mjs
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { folder, grouped, makePage, open, shots, sizes } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pages = {};

before(() => {
  pages.gemm = makePage("gemm", "gemm:512,512,512");
  pages.resnet = makePage("resnet", "resnet50", "--batch", "16"); // more slices than are kept
});

const range = async (page) => {
  const text = await page.locator("#timeline-range").textContent();
  return text.replaceAll(",", "").match(/\d+/g).map(Number);
};

test("a click on a layer moves the timeline to it", async () => {
  const { page, data, close } = await open(pages.resnet);
  assert.deepEqual(await range(page), [0, data.explain.cycles, data.explain.cycles]);
  for (const i of [0, 5]) {
    await page.locator("#layer-table tbody button").nth(i).click();
    const [from, to] = await range(page);
    // The layer, and a tenth of it around, unless the run ends there.
    const { first, last } = data.layers[i];
    const length = last + 1 - first;
    assert.ok(from <= first + 1 && to >= last, `${from} to ${to}: ${first} to ${last}`);
    assert.ok(to - from <= 1.11 * length + 10, `${from} to ${to}: ${first} to ${last}`);
    assert.ok(to - from < data.explain.cycles);
    assert.match(await page.locator("#timeline-shown").textContent(),
      new RegExp(`shows ${data.explain.layers[i].name.replaceAll(".", "\\.")}: cycles`));
  }
  if (shots) await page.screenshot({ path: join(shots, "layer.png") });
  await page.getByRole("button", { name: "Show the whole run" }).click();
  assert.deepEqual(await range(page), [0, data.explain.cycles, data.explain.cycles]);
  await close();
});

// Pieces of a lane as the data have them.
function piecesOf(timeline, track) {
  const lane = timeline.lanes.find((l) => l.track === track);
  let at = 0;
  return lane.gap.map((gap, i) => {
    const begin = at + gap;
    at = begin + lane.length[i];
    return { begin, end: at, name: timeline.names[lane.name[i]], waited: lane.waited[i] };
  });
}

test("the timeline tells exact cycles by keyboard and by mouse", async () => {
  const { page, data, close } = await open(pages.gemm);
  const details = page.locator("#timeline-details");
  const path = piecesOf(data.path, "critical path");
  await page.locator("#timeline-canvas").focus();
  for (const i of [0, 1]) {
    await page.keyboard.press("ArrowRight");
    const { begin, end, name } = path[i];
    assert.match(await details.textContent(), new RegExp(`^critical path: ${name}cycles ` +
      `${grouped(begin)} to ${grouped(end)} \\(`));
  }
  for (let i = 0; i < 3; ++i) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  const unit = (await details.textContent()).match(/^(\w+): /)[1];
  const first = piecesOf(data.timeline, unit)[0];
  assert.match(await details.textContent(), new RegExp(`^${unit}: ${first.name}cycles ` +
    `${grouped(first.begin)} to ${grouped(first.end)} \\(`));
  const before = await range(page);
  await page.keyboard.press("+");
  const [from, to] = await range(page);
  assert.ok(Math.abs((to - from) * 2 - (before[1] - before[0])) <= 2);
  await page.keyboard.press("0");
  // The mouse over the middle of the path's longest piece.
  const longest = path.reduce((a, b) => (b.end - b.begin > a.end - a.begin ? b : a));
  const box = await page.locator("#timeline-canvas").boundingBox();
  const middle = (longest.begin + longest.end) / 2;
  const x = 104 + ((box.width - 108) * middle) / data.explain.cycles;
  await page.mouse.move(box.x + x, box.y + 26 + 15);
  assert.match(await page.locator("#timeline-tip").textContent(),
    new RegExp(`${longest.name}cycles ${grouped(longest.begin)} to ${grouped(longest.end)}`));
  await close();
});

test("the timeline zooms and moves by mouse, and its wheel leaves the page alone", async () => {
  const { page, data, close } = await open(pages.gemm);
  const box = await page.locator("#timeline-canvas").boundingBox();
  const all = data.explain.cycles;
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.wheel(0, -300);
  assert.deepEqual(await range(page), [0, all, all]);
  await page.locator("#timeline-canvas").focus();
  await page.mouse.wheel(0, -300);
  await page.waitForFunction(() => !document.getElementById("timeline-range").textContent.startsWith("Cycles 0 "));
  const zoomed = await range(page);
  assert.ok(zoomed[1] - zoomed[0] < all);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 100, box.y + 40, { steps: 4 });
  await page.mouse.up();
  const moved = await range(page);
  assert.ok(moved[0] < zoomed[0] && Math.abs(moved[1] - moved[0] - (zoomed[1] - zoomed[0])) <= 1);
  await close();
});

test("slices beyond what is kept are merged, and the page says so", async () => {
  const { page, data, close } = await open(pages.resnet);
  const { timeline } = data;
  const kept = timeline.lanes.reduce((sum, lane) => sum + lane.gap.length, 0);
  assert.ok(kept <= 100_000 && kept > 50_000 && timeline.slices > 100_000);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  assert.equal(sum(timeline.lanes.map((lane) => sum(lane.slices))), timeline.slices);
  assert.match(await page.locator("#timeline-notes").textContent(), new RegExp(
    `Slices of the units: ${grouped(timeline.slices)} in the run.* within ${timeline.grain} cycles`));
  for (const { unit, busy } of data.units) {
    const lane = timeline.lanes.find(({ track }) => track === unit);
    assert.equal(lane ? sum(lane.busy) : 0, busy, unit);
  }
  await close();
});

test("the head of a column sorts the layers", async () => {
  const { page, data, close } = await open(pages.resnet);
  const names = () => page.locator("#layer-table tbody th").allTextContents();
  assert.deepEqual(await names(), data.explain.layers.map((layer) => layer.name));
  const cycles = page.getByRole("button", { name: "cycles", exact: true });
  await cycles.press("Enter");
  const longest = [...data.explain.layers].sort((a, b) => b.cycles - a.cycles);
  assert.deepEqual(await names(), longest.map((layer) => layer.name));
  assert.equal(await page.locator("#layer-table th[aria-sort]").textContent(), "cycles");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "cycles");
  await close();
});

test("tables have the explanation's numbers", async () => {
  const { page, data, close } = await open(pages.resnet);
  const { explain } = data;
  assert.equal(await page.locator("#bound").textContent(), explain.bound_text);
  const texts = (id) => page.locator(`#${id} tbody tr`).allTextContents();
  assert.ok((await page.locator("#layer-chart svg").getAttribute("aria-label")).includes("%"));
  const layers = await texts("layer-table");
  assert.equal(layers.length, explain.layers.length);
  layers.forEach((text, i) => {
    assert.ok(text.startsWith(explain.layers[i].name + grouped(explain.layers[i].cycles)), text);
  });
  assert.equal((await texts("what-if-table")).length, explain.what_if.length);
  const path = await texts("path-table");
  assert.equal(path.length, explain.path.length);
  for (const { resource, cycles } of explain.path) {
    assert.ok(path.some((text) => text.startsWith(resource) && text.includes(grouped(cycles))), resource);
  }
  const sum = data.stalls.reduce((total, stall) => total + stall.cycles, 0);
  assert.equal(sum, explain.cycles);
  await close();
});

for (const scheme of ["light", "dark"]) {
  for (const size of Object.keys(sizes)) {
    test(`nothing serious for axe, nothing cut off: ${scheme}, ${size}`, async () => {
      for (const [name, url] of Object.entries(pages)) {
        const { page, close } = await open(url, { size, scheme });
        await page.evaluate(axe);
        const result = await page.evaluate(() => window.axe.run());
        const serious = result.violations.filter((v) => ["serious", "critical"].includes(v.impact));
        assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes[0].html}`), []);
        const [inner, scroll] = await page.evaluate(() =>
          [innerWidth, document.documentElement.scrollWidth]);
        assert.ok(scroll <= inner, `${name}: ${scroll} pixels in ${inner}`);
        if (shots) {
          await page.screenshot({ path: join(shots, `${name}-${scheme}-${size}.png`), fullPage: true });
        }
        await close();
      }
    });
  }
}

test("a bar ends before its figure, and figures of a column begin their bars alike", async () => {
  for (const size of Object.keys(sizes)) {
    const { page, close } = await open(pages.resnet, { size });
    const bars = await page.locator(".bar").evaluateAll((all) => all.map((bar) => {
      const [track, fill, figure] = [".track", ".fill", ".figure"].map((part) =>
        bar.querySelector(part).getBoundingClientRect());
      return { table: bar.closest("table").id, begin: track.left, end: fill.right,
        trackEnd: track.right, figure: figure.left };
    }));
    assert.ok(bars.length > 50);
    const begins = new Map();
    for (const { table, begin, end, trackEnd, figure } of bars) {
      assert.ok(end <= trackEnd + 0.5 && trackEnd < figure, `${table}: ${end}, ${trackEnd}, ${figure}`);
      assert.ok(Math.abs((begins.get(table) ?? begin) - begin) < 0.5, `${table}: bars begin apart`);
      begins.set(table, begin);
    }
    await close();
  }
});

test("a hostile name is text and nothing else", async () => {
  const model = join(folder, `<img src=x onerror="document.title='hit'">.onnxtxt`);
  writeFileSync(model, '<ir_version: 8, opset_import: ["" : 13]>\n' +
    "g (float[2,3] x) => (float[2,3] y)\n<float[3,3] w = {1,2,3,4,5,6,7,8,9}> { y = MatMul(x, w) }\n");
  const url = makePage("hostile", model, "--calibrate", "random");
  const { page, close } = await open(url);
  assert.equal(await page.locator("#title").textContent(), `${model} on tpu_v1`);
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.title(), /^.*<img src=x/);
  const source = readFileSync(join(folder, "hostile.html"), "utf8");
  await close();
  // The same page with every text of the data replaced, escaped as systole escapes it.
  const evil = "</script><img src=x onerror=\"document.title='hit'\"><!-- <b>\u2028'\"";
  const mark = '<script type="application/json" id="systole-data">';
  const begin = source.indexOf(mark) + mark.length;
  const end = source.indexOf("</script>", begin);
  const data = JSON.parse(source.slice(begin, end));
  data.explain.model = data.explain.machine = data.command = data.explain.bound_text = evil;
  for (const timeline of [data.path, data.timeline]) {
    timeline.layers = timeline.layers.map(() => evil);
    timeline.names = timeline.names.map(() => evil);
  }
  data.explain.layers.forEach((layer) => (layer.name = evil));
  data.explain.what_if.forEach((change) => (change.change = evil));
  const text = JSON.stringify(data).replace(/[<>&\u2028]/g, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const file = join(folder, "evil.html");
  writeFileSync(file, source.slice(0, begin) + text + source.slice(end));
  const { page: bad, close: done } = await open(pathToFileURL(file).href);
  assert.equal(await bad.locator("#title").textContent(), `${evil} on ${evil}`);
  assert.equal(await bad.locator("img").count(), 0);
  await bad.locator("#timeline-canvas").focus();
  await bad.keyboard.press("ArrowRight");
  assert.ok((await bad.locator("#timeline-details").textContent()).includes(evil));
  assert.notEqual(await bad.title(), "hit");
  await done();
});
