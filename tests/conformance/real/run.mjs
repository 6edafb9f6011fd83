// Runs every ONNX file of a folder on a simulated machine, beside ONNX Runtime where it is installed,
// and prints one table. README.md says how.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

import { largestDifference, randomTensor, readNpy, writeNpy } from "./tensors.mjs";

const USAGE = `usage: node run.mjs FOLDER [options]
  --systole PROGRAM   the program; default: build/dev/systole of this repository
  --ort DIR           the folder that holds node_modules/onnxruntime-node; default: where node finds it
  --machine NAME      default: tpu_v1
  --dim NAME=N        an open dimension; others are --size
  --size N            default: 64
  --shape NAME=AxB    an input whose open dimensions have no name
  --value NAME=N      a whole-number input of one element; others are 1
  --bind NAME=N       an int64 input that is a constant of files whose conditions need it
  --only TEXT         files whose names hold it
  --limit SECONDS     of each command; default: 300`;

function fail(message) {
  console.error(message);
  process.exit(2);
}

function readOptions(words) {
  const here = path.dirname(new URL(import.meta.url).pathname);
  const options = {
    folder: "",
    systole: path.join(here, "../../../build/dev/systole"),
    ort: process.env.ORT_MODULES ?? "",
    machine: "tpu_v1",
    dim: {},
    size: 64,
    shape: {},
    value: {},
    bind: {},
    only: "",
    limit: 300,
  };
  for (let i = 0; i < words.length; ++i) {
    const name = words[i].replace(/^--/, "");
    if (!words[i].startsWith("--")) {
      options.folder = words[i];
    } else if (["dim", "shape", "value", "bind"].includes(name)) {
      const [key, text] = (words[++i] ?? "").split("=");
      options[name][key] = name === "shape" ? text : Number(text);
    } else if (name in options && i + 1 < words.length) {
      const word = words[++i];
      options[name] = typeof options[name] === "number" ? Number(word) : word;
    } else {
      fail(USAGE);
    }
  }
  if (!options.folder || !existsSync(options.folder)) fail(USAGE);
  if (!existsSync(options.systole)) fail(`${options.systole} is not built; --systole names another`);
  return options;
}

// ONNX Runtime, or nothing: then its columns stay empty.
function findOrt(folder) {
  const from = folder ? path.resolve(folder, "x.js") : import.meta.url;
  try {
    return createRequire(from)("onnxruntime-node");
  } catch (error) {
    console.error(
      "note: no onnxruntime-node, so nothing is compared with it " +
        "(npm install onnxruntime-node@1.20.1, then --ort that folder): " +
        String(error.message).split("\n")[0],
    );
    return null;
  }
}

class Refusal extends Error {}

// What the program prints; its error is the reason of a refusal.
function systole(options, words) {
  const done = spawnSync(options.systole, words, {
    encoding: "utf8",
    maxBuffer: 1 << 30,
    timeout: options.limit * 1000,
  });
  if (done.error?.code === "ETIMEDOUT") throw new Refusal(`longer than ${options.limit} s: ${words[0]}`);
  if (done.status === 0) return done.stdout;
  const line = (done.stderr ?? "").split("\n").find((l) => l.includes("error:"));
  throw new Refusal(line?.replace(/^.*?error: /, "") ?? `${words[0]} ends with ${done.status ?? done.signal}`);
}

// What an error asks for, as far as the options have it: an open dimension, a shape, constants.
function askedFor(options, message) {
  const dim = /expected --dim (.+?)=N/.exec(message)?.[1];
  if (dim) return [["--dim", `${dim}=${options.dim[dim] ?? options.size}`]];
  const shape = /expected --shape (.+?)=/.exec(message)?.[1];
  if (shape in options.shape) return [["--shape", `${shape}=${options.shape[shape]}`]];
  if (!message.includes("--bind")) return [];
  return Object.entries(options.bind).map(([name, n]) => ["--bind", `${name}=${n}`]);
}

// The command with what its errors ask for, which `given` then holds, too.
function withAnswers(options, words, given) {
  for (;;) {
    try {
      return systole(options, [...words, ...given.flat()]);
    } catch (refusal) {
      const isNew = ([, text]) => given.every(([, known]) => known !== text);
      const more = askedFor(options, refusal.message).filter(isNew);
      if (more.length === 0) throw refusal;
      given.push(...more);
    }
  }
}

// Values by name, and nodes that are products, of a graph's text.
function parseGraph(text) {
  const values = new Map();
  const products = [];
  const inputs = [];
  const unquoted = (name) => name.replace(/^"|"$/g, "");
  for (const line of text.split("\n")) {
    const found = /^ {2}(input |constant )?(.+?): (\w+)\[([\d, ]*)\](?: = (\w+)\((.*?)\)(?: |$))?/.exec(line);
    if (!found) continue;
    const shape = found[4] ? found[4].split(", ").map(Number) : [];
    const value = { name: unquoted(found[2]), type: found[3], shape };
    values.set(found[2], value);
    if (found[1] === "input ") inputs.push(value);
    if (found[5] === "matmul" || found[5] === "conv")
      products.push({ op: found[5], result: value, inputs: found[6].split(", ") });
  }
  return { values, products, inputs };
}

const count = (shape) => shape.reduce((a, b) => a * b, 1);

// The share of multiply-adds that are of integers, which is what the machine does.
function deviceShare({ values, products }) {
  let all = 0;
  let device = 0;
  for (const { op, result, inputs } of products) {
    const w = values.get(inputs[1])?.shape ?? [];
    const macs = count(result.shape) * (op === "conv" ? count(w.slice(1)) : (w.at(-2) ?? 0));
    all += macs;
    if (values.get(inputs[0])?.type !== "float32") device += macs;
  }
  return all === 0 ? null : device / all;
}

function hostSummary(steps) {
  const times = new Map();
  for (const step of steps ?? []) times.set(step.op, (times.get(step.op) ?? 0) + 1);
  return [...times].sort((a, b) => b[1] - a[1]).map(([op, n]) => `${op} ${n}`).join(", ");
}

// A float model's quantised twin; a quantised one is itself.
function quantised(options, file, scratch, inputs, given) {
  const made = path.join(scratch, "quantised.onnx");
  const data = inputs.flatMap(({ name, file }) => ["--calibrate", `${name}=${file}`]);
  try {
    withAnswers(options, ["quantize", file, ...data, "-o", made], given);
    return made;
  } catch (refusal) {
    if (/is quantised already|has no Gemm, MatMul or Conv/.test(refusal.message)) return file;
    throw refusal;
  }
}

async function reference(options, ort, file, inputs) {
  const session = await ort.InferenceSession.create(file, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = {};
  for (const { name, tensor } of inputs)
    feeds[name] = new ort.Tensor(tensor.type, tensor.data, tensor.dims);
  for (const name of session.inputNames.filter((name) => !(name in feeds) && name in options.bind))
    feeds[name] = new ort.Tensor("int64", BigInt64Array.of(BigInt(options.bind[name])), []);
  return session.run(feeds);
}

async function differences(options, ort, row, file, model, inputs, outputs) {
  if (!ort) return;
  try {
    const from = async (of) => largestDifference(outputs, await reference(options, ort, of, inputs));
    row.exact = await from(model);
    row.float = model === file ? null : await from(file);
  } catch (error) {
    row.note = `ONNX Runtime: ${String(error.message).split("\n")[0]}`;
  }
}

async function runFile(options, ort, file) {
  const row = { file: path.basename(file) };
  const scratch = mkdtempSync(path.join(os.tmpdir(), "systole-real-"));
  const started = Date.now();
  try {
    const given = [];
    const on = ["--machine", options.machine];
    const program = path.join(scratch, "program.tpu");
    const text = withAnswers(
      options, ["compile", file, ...on, "--timing-only", "--emit-ir", "-o", program], given);
    const timed = JSON.parse(
      withAnswers(options, ["run", file, ...on, "--timing-only", "--no-what-if", "--json"], given));
    row.cycles = timed.cycles;
    row.host = hostSummary(timed.host_fallback?.steps);
    row.runs = "timing";
    const inputs = parseGraph(text).inputs.map(({ name, type, shape }, i) => {
      const tensor = randomTensor(type, shape, i + 1, options.value[name]);
      const at = path.join(scratch, `input_${i}.npy`);
      writeNpy(at, tensor);
      return { name, tensor, file: at };
    });
    const model = quantised(options, file, scratch, inputs, given);
    const answers = model === file ? given : [];
    const lowered = withAnswers(
      options, ["compile", model, ...on, "--emit-ir-after", "pack_images", "-o", program], answers);
    row.share = deviceShare(parseGraph(lowered));
    const folder = path.join(scratch, "outputs");
    mkdirSync(folder);
    const data = inputs.flatMap(({ name, file }) => ["--input", `${name}=${file}`]);
    const run = JSON.parse(withAnswers(
      options, ["run", model, ...on, ...data, "--no-what-if", "--output", folder, "--json"], answers));
    row.host = hostSummary(run.host_fallback?.steps);
    row.cycles = run.cycles;
    row.runs = "values";
    const outputs = readdirSync(folder).map((name) => ({
      name: name.replace(/\.npy$/, ""),
      ...readNpy(path.join(folder, name)),
    }));
    await differences(options, ort, row, file, model, inputs, outputs);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    row.note = error.message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  row.seconds = (Date.now() - started) / 1000;
  return row;
}

const percent = (x) => (x === null || x === undefined ? "" : `${(100 * x).toPrecision(3)} %`);

function print(rows) {
  const columns = ["file", "runs", "MACs on device", "cycles", "from int8", "from float32", "s", "on the host, or why not"];
  console.log(`| ${columns.join(" | ")} |\n|${columns.map(() => " --- |").join("")}`);
  for (const row of rows) {
    const last = [row.note, row.host].filter(Boolean).join("; host: ").replaceAll("|", "\\|");
    const cells = [row.file, row.runs ?? "no", percent(row.share), row.cycles ?? "",
                   percent(row.exact), percent(row.float), row.seconds.toFixed(1), last];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const full = rows.filter((row) => row.runs === "values").length;
  console.log(`\n${full} of ${rows.length} files run with values`);
}

const options = readOptions(process.argv.slice(2));
const ort = findOrt(options.ort);
const files = readdirSync(options.folder)
  .filter((name) => name.endsWith(".onnx") && name.includes(options.only))
  .sort();
if (files.length === 0) fail(`${options.folder} holds no .onnx files`);
const rows = [];
for (const name of files) {
  console.error(`${name} ...`);
  rows.push(await runFile(options, ort, path.join(options.folder, name)));
}
print(rows);
