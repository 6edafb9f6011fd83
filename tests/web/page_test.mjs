// The page of `systole explain --page` in a browser: Debian's chromium, as a user opens it.
//   SYSTOLE=build/check/systole SHOTS=FOLDER node --test tests/web/page_test.mjs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const systole = process.env.SYSTOLE ?? "build/check/systole";
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "systole-page-"));
const shots = process.env.SHOTS;
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 400, height: 800 } };

let context;

function makePage(name, ...words) {
  const file = join(folder, `${name}.html`);
  execFileSync(systole, ["explain", ...words, "--page", file], { stdio: ["ignore", "pipe", "pipe"] });
  return pathToFileURL(file).href;
}

const pages = {};

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true });
  pages.gemm = makePage("gemm", "gemm:512,512,512");
  pages.resnet = makePage("resnet", "resnet50", "--batch", "16");  // more slices than are kept
  context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: browserPath,
    headless: true,
    args: flags,
    viewport: sizes.wide,
  });
});

after(async () => {
  await context?.close();
  rmSync(folder, { recursive: true, force: true });
});

// A page whose console stays silent and which asks for nothing but itself.
async function open(url, { size = "wide", scheme = "light" } = {}) {
  const page = await context.newPage();
  const said = [];
  const asked = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) asked.push(request.url());
  });
  await page.setViewportSize(sizes[size]);
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(url);
  const data = JSON.parse(await page.locator("#systole-data").textContent());
  const close = async () => {
    assert.deepEqual(said, []);
    assert.deepEqual(asked, [url]);
    await page.close();
  };
  return { page, data, close };
}

const cycleOf = (page) =>
  page.locator("#array-cycle").textContent().then((text) => Number(text.replace("Cycle ", "")));

// What the page shows of the array, as numbers.
function shown(page) {
  return page.evaluate(() => {
    const cells = [...document.querySelectorAll("#array-grid td.pe")].map((cell) => ({
      ...cell.dataset,
      text: [...cell.querySelectorAll(".line")].map((line) => line.firstChild.textContent),
    }));
    const sums = [...document.querySelectorAll("#array-sums td[data-value]")].map((cell) => ({
      b: Number(cell.dataset.b), n: Number(cell.dataset.n), value: Number(cell.dataset.value),
      text: cell.firstChild.textContent,
    }));
    return { cells, sums };
  });
}

const grouped = (value) => value.toLocaleString("en-US");
const signed = (value) => (value < 0 ? `\u2212${-value}` : String(value));

// The registers that the simulation had at the end of a cycle.
function registers(array, cycle) {
  const frame = array.frames.filter((f) => f.cycle <= cycle).at(-1);
  return Object.fromEntries(array.planes.map((plane, i) => [plane.name, frame.planes[i]]));
}

function checkCells(array, cycle, cells) {
  const planes = registers(array, cycle);
  assert.equal(cells.length, array.rows * array.columns);
  cells.forEach((cell, i) => {
    const [activation, weight, next, sum] = cell.text;
    const valid = planes.valid[i] === 1;
    assert.equal(activation, valid ? `${planes.activation[i]} \u25b8` : "\u00b7");
    assert.equal(weight, `\u00d7 ${signed(planes.active[i])}`);
    assert.equal(next, planes.shadow_full[i] === 1 ? `next ${signed(planes.shadow[i])}` : "\u00b7");
    assert.equal(sum, valid ? `\u03a3 ${signed(planes.psum[i])}` : "\u00b7");
  });
}

function checkSums(array, cycle, sums) {
  const written = new Map();
  for (const [at, row, column, value] of array.writes) {
    if (at <= cycle) written.set(`${row},${column}`, value);
  }
  assert.equal(sums.length, written.size);
  for (const { b, n, value, text } of sums) {
    const key = `${b + (n < array.columns ? 0 : array.x.length)},${n % array.columns}`;
    assert.equal(value, written.get(key), `y ${b},${n} in cycle ${cycle}`);
    assert.equal(text, signed(value));
  }
}

test("stepping shows the registers of the simulation, forwards and back", async () => {
  const { page, data, close } = await open(pages.gemm);
  const { array } = data;
  await page.locator("#array-tools button").first().focus();
  await page.keyboard.press("Home");
  const first = await cycleOf(page);
  assert.equal(first, array.frames[0].cycle);
  const last = array.writes.at(-1)[0];
  const forwards = new Map();
  for (let cycle = first; cycle <= last; ++cycle) {
    assert.equal(await cycleOf(page), cycle);
    const now = await shown(page);
    checkCells(array, cycle, now.cells);
    checkSums(array, cycle, now.sums);
    forwards.set(cycle, JSON.stringify(now));
    await page.keyboard.press("ArrowRight");
  }
  // At the end there is no further cycle, and the accumulators hold the product.
  assert.equal(await cycleOf(page), last);
  const { sums } = await shown(page);
  assert.equal(sums.length, array.x.length * array.w[0].length);
  for (const { b, n, value } of sums) {
    const product = array.x[b].reduce((sum, x, k) => sum + x * array.w[k][n], 0);
    assert.equal(value, product);
    assert.equal(value, array.y[b][n]);
  }
  for (let cycle = last; cycle >= first; --cycle) {
    assert.equal(JSON.stringify(await shown(page)), forwards.get(cycle));
    await page.keyboard.press("ArrowLeft");
  }
  assert.equal(await cycleOf(page), first);
  await close();
});

const number = (text) => Number(text.replace("\u2212", "-"));

// "x[5,1] \u25b8" -> [5, 1]
const indices = (text) => text.match(/\[(\d+),(\d+)\]/)?.slice(1).map(Number);

// What elements are called is what they are, and each sum is the one above and a product.
test("names and sums on the cells are true", async () => {
  const { page, data, close } = await open(pages.gemm);
  const { array } = data;
  let [named, added, travelled, captured] = [0, 0, 0, 0];
  for (let cycle = array.frames[0].cycle; cycle <= array.writes.at(-1)[0]; ++cycle) {
    await page.locator("#array-slider").fill(String(cycle));
    const planes = registers(array, cycle);
    const { cells, heads, rows } = await page.evaluate(() => ({
      cells: [...document.querySelectorAll("#array-grid td.pe")].map((cell) =>
        [...cell.querySelectorAll(".note")].map((note) => note.textContent)),
      heads: [...document.querySelectorAll("#array-grid thead th")].map((th) => th.lastChild.textContent),
      rows: [...document.querySelectorAll("#array-grid tbody th")].map((th) => th.lastChild.textContent),
    }));
    cells.forEach(([x, switches, next, sum], i) => {
      assert.equal(switches, planes.switch[i] === 1 ? "S" : "");
      assert.equal(x !== "", planes.valid[i] === 1);
      if (x !== "") {
        const [b, k] = indices(x);
        assert.equal(array.x[b][k], planes.activation[i]);
        const [, above, a, w] = sum.match(/^(\u2212?\d+)\+(\d+)\u00b7\(?(\u2212?\d+)\)?$/).map(number);
        assert.deepEqual([a, w], [planes.activation[i], planes.active[i]]);
        assert.equal(above + a * w, planes.psum[i]);
        ++named;
        if (above !== 0) ++added;
      }
      if (next === "new") ++captured;
      else if (next !== "") {
        assert.equal(number(next.replace(" \u25be", "")), planes.travelling[i]);
        ++travelled;
      }
    });
    heads.forEach((text, c) => {
      if (text === "\u00b7") return;
      const [k, n] = indices(text);
      // The first row stays in PE(0,c), the others go on.
      const plane = k % array.rows === 0 ? planes.shadow : planes.travelling;
      assert.equal(plane[c], array.w[k][n], `${text} in cycle ${cycle}`);
    });
    rows.slice(0, array.rows).forEach((text, r) => {
      if (text === "\u00b7") return;
      const [b, k] = indices(text);
      assert.equal(planes.activation[r * array.columns], array.x[b][k]);
    });
  }
  const pes = array.rows * array.columns;
  assert.equal(named, array.passes.length * array.x.length * pes);
  assert.ok(added > named / 2);
  assert.equal(captured, array.passes.length * pes);
  // Weight row i passes the i rows above its own.
  assert.equal(travelled, array.passes.length * array.columns * (1 + 2 + 3));
  await close();
});

test("buttons, slider and play move the cycle", async () => {
  const { page, data, close } = await open(pages.gemm);
  const button = (name) => page.locator("#array").getByRole("button", { name, exact: true });
  await button("First cycle").click();
  const first = await cycleOf(page);
  await button("One cycle forward").click();
  assert.equal(await cycleOf(page), first + 1);
  await button("One cycle back").click();
  assert.equal(await cycleOf(page), first);
  await page.locator("#array-slider").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await cycleOf(page), first + 1);
  await button("Last cycle").click();
  assert.equal(await cycleOf(page), data.array.writes.at(-1)[0]);
  await button("Play the cycles one after another").click();
  await page.waitForFunction((n) => document.getElementById("array-cycle").textContent === `Cycle ${n}`,
    first + 2);
  await close();
});

// What is said of a cycle is so: rows that enter, sums that arrive, the wavefront of a switch.
test("the rules named are those of what is seen", async () => {
  const { page, data, close } = await open(pages.gemm);
  const { passes, rows, columns } = data.array;
  const events = async (cycle) => {
    await page.locator("#array-slider").fill(String(cycle));
    return (await page.locator("#array-events li").allTextContents()).join("\n");
  };
  const second = passes[1];
  assert.equal(second.begin, passes[0].begin + passes[0].rows);
  const text = await events(second.begin);
  assert.match(text, new RegExp(`T3 Pass 1 begins, s = ${second.begin}: B = 6`));
  assert.match(text, /T1 Row 0 of x enters/);
  assert.match(text, /T3 Tile 1 switches in along the wavefront r \+ c = 0/);
  // PE(0,0), and PE(3,3), where the wavefront before ends.
  const corners = page.locator("#array-grid td.switches");
  assert.deepEqual(await corners.evaluateAll((cells) => cells.map((c) => c.dataset.r + c.dataset.c)),
    ["00", "33"]);
  await events(second.begin + 3);
  assert.equal(await page.locator("#array-grid td.switches").count(), 4);
  assert.equal(passes[0].begin + rows, 22);
  assert.match(await events(22), /T2 Sums arrive below, in cycle s \+ b \+ R \+ c = 22: column 0 of row 0; written/);
  const end = passes[3].begin + passes[3].rows - 1 + rows + columns;
  assert.equal(passes[3].end, end);
  assert.match(await events(end - 1), new RegExp(`Pass 3 is complete at s \\+ B - 1 \\+ R \\+ C = ${end}`));
  await close();
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
