// The small array of the page: what it shows in every cycle is what the simulation had.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { makePage, open } from "./browser.mjs";

let url;

before(() => {
  url = makePage("gemm", "gemm:64,64,64");
});

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

// Pixels of the accumulators' table that its place does not show.
const hidden = (page) =>
  page.locator("#array-sums").evaluate((table) =>
    table.parentElement.scrollWidth - table.parentElement.clientWidth);

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
  const { page, data, close } = await open(url);
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
    assert.equal(await hidden(page), 0, `cycle ${cycle}: the accumulators scroll sideways`);
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
  const { page, data, close } = await open(url);
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
  const { page, data, close } = await open(url);
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
  const { page, data, close } = await open(url);
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
