// A quantised network with values: the simulator beside ONNX Runtime on the same cores, one run of
// each in turn, medians.
//
//   systole models make resnet50 -o resnet50.onnx
//   systole quantize resnet50.onnx --calibrate random:1 -o resnet50.int8.onnx   (or real samples)
//   npm install --ignore-scripts onnxruntime-node@1.30.0
//   node bench/ort_network.mjs resnet50.int8.onnx [--systole build/release/systole] [--runs 5]
//
// The simulator's time is its own (`simulator.wall_seconds` of --stats: the program is compiled and
// loaded), ONNX Runtime's that of session.run. Set ORT_MODULES to the folder that holds node_modules
// if it is not this one. A first run of each is left out.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const INSTALL = "npm install --ignore-scripts onnxruntime-node@1.30.0";

function parse(args) {
  const options = { systole: "build/release/systole", runs: 5, model: null };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--systole") options.systole = args[++i];
    else if (args[i] === "--runs") options.runs = Number(args[++i]);
    else options.model = args[i];
  }
  if (!options.model || !(options.runs > 0)) {
    console.error("usage: node ort_network.mjs MODEL.onnx [--systole PROGRAM] [--runs N]");
    process.exit(2);
  }
  return options;
}

function loadOrt() {
  const modules = process.env.ORT_MODULES;
  const base = modules ? path.join(path.resolve(modules), "package.json") : import.meta.url;
  try {
    return createRequire(base)("onnxruntime-node");
  } catch (error) {
    console.error(`onnxruntime-node is not there (${error.code}): ${INSTALL}`);
    process.exit(2);
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// Seconds of one simulation, on so many threads.
function simulate(options, program, folder, threads) {
  const stats = path.join(folder, "stats.json");
  execFileSync(options.systole, ["run", program, "--stats", stats], {
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    stdio: "ignore",
  });
  return JSON.parse(readFileSync(stats, "utf8")).simulator.wall_seconds;
}

async function sessionOf(ort, model, threads) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    interOpNumThreads: 1,
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  const { name, type, shape } = session.inputMetadata[0];
  const dims = shape.map((d) => (typeof d === "number" && d > 0 ? d : 1));
  const count = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1000) / 1000);
  if (type !== "float32") throw new Error(`input ${name} is ${type}, not float32`);
  const feeds = { [name]: new ort.Tensor(type, data, dims) };
  return async () => {
    const begin = performance.now();
    await session.run(feeds);
    return (performance.now() - begin) / 1000;
  };
}

async function main() {
  const options = parse(process.argv.slice(2));
  const ort = loadOrt();
  const folder = mkdtempSync(path.join(os.tmpdir(), "systole-"));
  const program = path.join(folder, "model.tpu");
  try {
    execFileSync(options.systole, ["compile", options.model, "-o", program], { stdio: "ignore" });
    for (const threads of new Set([1, os.availableParallelism()])) {
      const run = await sessionOf(ort, options.model, threads);
      const times = { systole: [], ort: [] };
      for (let i = 0; i <= options.runs; i++) {
        const simulated = simulate(options, program, folder, threads);
        const measured = await run();
        if (i === 0) continue;
        times.systole.push(simulated);
        times.ort.push(measured);
      }
      const [s, o] = [median(times.systole), median(times.ort)];
      console.log(
        `${threads} thread${threads > 1 ? "s" : ""}: systole ${(s * 1e3).toFixed(1)} ms, ` +
          `ONNX Runtime ${ort.env.versions.node} ${(o * 1e3).toFixed(1)} ms, ratio ${(s / o).toFixed(2)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
