// Bundles src/ into page.html and comparison.html, each one file: `node build.mjs [FOLDER]`. The same
// sources and versions give the same bytes.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.argv[2] ?? here;
const kMostBytes = 700_000;

async function bundle(entry) {
  const result = await build({
    entryPoints: [`${here}src/${entry}`],
    absWorkingDir: here,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    charset: "ascii",
    legalComments: "none",
    metafile: true,
    write: false,
  });
  return { text: result.outputFiles[0].text.trim(), inputs: Object.keys(result.metafile.inputs) };
}

const ascii = (text, escape) =>
  text.replace(/[^\x00-\x7f]/g, (c) => escape(c.charCodeAt(0)));
const asciiScript = (text) => ascii(text, (code) => `\\u${code.toString(16).padStart(4, "0")}`);
const asciiHtml = (text) =>
  ascii(text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`), (code) => `&#${code};`);

// The licences of the packages that parts of the bundle come from.
function licences(inputs) {
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const packages = [...new Set(names.filter((name) => name !== undefined))].sort();
  return packages.map((name) => {
    const folder = `${here}node_modules/${name}/`;
    const { version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
    const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
    if (!file && !license) throw new Error(`${name} has no licence`);
    const text = file ? readFileSync(folder + file, "utf8").trim() : license;
    return `${name} ${version}\n${text}\n`;
  }).join("\n");
}

// A mark is replaced as text: what is put in may hold `$&`.
function put(page, mark, text) {
  if (page.split(mark).length !== 2) throw new Error(`${mark} is not in the page once`);
  return page.replace(mark, () => text);
}

async function makePage(name, source) {
  const style = await bundle(`${source}page.css`);
  const main = await bundle(`${source}main.ts`);
  const script = asciiScript(main.text); // esbuild leaves regular expressions as they are
  if (/<\/script/i.test(script)) throw new Error("the script would end its own element");
  let page = readFileSync(`${here}src/${source}page.in.html`, "utf8");
  page = put(page, "@STYLE@", style.text);
  page = put(page, "@SCRIPT@", script);
  page = put(page, "@LICENCES@", asciiHtml(licences(main.inputs)));
  if (/[^\x00-\x7f]/.test(page)) throw new Error(`${name} is not ASCII`);
  if (page.length > kMostBytes) throw new Error(`${name} has ${page.length} bytes`);
  const to = resolve(folder, name);
  writeFileSync(to, page);
  console.log(`${to}: ${page.length} bytes`);
}

await makePage("page.html", "");
await makePage("comparison.html", "comparison/");
