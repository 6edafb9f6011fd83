// A browser for tests of the page: Debian's chromium, fresh, and pages made by systole.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const systole = process.env.SYSTOLE ?? "build/check/systole";
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const folder = mkdtempSync(join(tmpdir(), "systole-page-"));
export const shots = process.env.SHOTS; // a folder for pictures; none are taken without
export const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 400, height: 800 } };
export const grouped = (value) => value.toLocaleString("en-US");

let context;

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true });
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

// `systole compare WORDS --report`: the page's address, and the folder of the report.
export function makeReport(name, ...words) {
  const report = join(folder, name);
  execFileSync(systole, ["compare", ...words, "--report", report], { stdio: ["ignore", "pipe", "pipe"] });
  return { url: pathToFileURL(join(report, "report.html")).href, report };
}

// `systole explain WORDS --page`: the page's address.
export function makePage(name, ...words) {
  const file = join(folder, `${name}.html`);
  execFileSync(systole, ["explain", ...words, "--page", file], { stdio: ["ignore", "pipe", "pipe"] });
  return pathToFileURL(file).href;
}

// A page whose console stays silent and which asks for nothing but itself.
export async function open(url, { size = "wide", scheme = "light" } = {}) {
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
