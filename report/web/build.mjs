// Bundles src/ into the one file page.html: `node build.mjs [FILE]`. The same sources and versions
// give the same bytes.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const to = process.argv[2] ?? `${here}page.html`;
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
    write: false,
  });
  return result.outputFiles[0].text.trim();
}

// A mark is replaced as text: what is put in may hold `$&`.
function put(page, mark, text) {
  if (page.split(mark).length !== 2) throw new Error(`${mark} is not in the page once`);
  return page.replace(mark, () => text);
}

const style = await bundle("page.css");
// esbuild leaves regular expressions as they are.
const script = (await bundle("main.ts")).replace(
  /[^\x00-\x7f]/g,
  (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
);
if (/<\/script/i.test(script)) throw new Error("the script would end its own element");
let page = readFileSync(`${here}src/page.in.html`, "utf8");
page = put(page, "@STYLE@", style);
page = put(page, "@SCRIPT@", script);
if (/[^\x00-\x7f]/.test(page)) throw new Error("the page is not ASCII");
if (page.length > kMostBytes) throw new Error(`the page has ${page.length} bytes`);
writeFileSync(to, page);
console.log(`${to}: ${page.length} bytes`);
