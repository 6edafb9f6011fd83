// Runs an ONNX model in ONNX Runtime (CPU, one thread) and writes what it gives.
// See README.md for how to install onnxruntime-node and what is written.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const USAGE = `usage:
  node make_reference.mjs MODEL.onnx INPUT.npy OUTPUT_DIR [options]
  node make_reference.mjs --cases DIR
options:
  --level disabled|basic|extended|all   graph optimization level (default: extended)
  --extra-output NAME                   also fetch this tensor of the graph (repeatable;
                                        a fetched tensor is not fused away)
environment:
  ORT_MODULES   the folder that holds node_modules, if it is not this one`;

const NPY_TYPES = {
  "<f4": { type: "float32", array: Float32Array },
  "|u1": { type: "uint8", array: Uint8Array },
  "|i1": { type: "int8", array: Int8Array },
  "<i4": { type: "int32", array: Int32Array },
};

function fail(message) {
  console.error(message);
  process.exit(2);
}

function readNpy(file) {
  const bytes = readFileSync(file);
  if (bytes.length < 10 || bytes.toString("latin1", 0, 6) !== "\x93NUMPY") {
    throw new Error(`${file}: not a .npy file`);
  }
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", start, end);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const known = NPY_TYPES[descr];
  if (!known || order !== "False" || shape === undefined) {
    throw new Error(`${file}: only C-order float32, uint8, int8 and int32 are read: ${header}`);
  }
  const dims = shape.split(",").map((text) => text.trim()).filter(Boolean).map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  if (bytes.length - end !== count * known.array.BYTES_PER_ELEMENT) {
    throw new Error(`${file}: the size does not match the header`);
  }
  const copy = new Uint8Array(bytes.subarray(end)); // aligned
  return { type: known.type, dims, data: new known.array(copy.buffer, 0, count) };
}

function writeNpy(file, { type, dims, data }) {
  const descr = Object.keys(NPY_TYPES).find((key) => NPY_TYPES[key].type === type);
  if (!descr) throw new Error(`${file}: outputs of type ${type} are not written`);
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const total = Math.ceil((10 + header.length + 1) / 64) * 64;
  header = `${header.padEnd(total - 11)}\n`;
  const prefix = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  prefix.writeUInt16LE(header.length, 8);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(file, Buffer.concat([prefix, Buffer.from(header, "latin1"), body]));
}

// Two serialised messages one after the other parse as their merger, and a merger
// appends to repeated fields: so an output is added by appending
// ModelProto{ graph(7): GraphProto{ output(12): ValueInfoProto{ name(1) } } }.
function withOutput(model, name) {
  const field = (number, body) => {
    const size = [];
    let left = body.length;
    for (; left >= 128; left >>>= 7) size.push((left & 127) | 128);
    size.push(left);
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), body]);
  };
  return Buffer.concat([model, field(7, field(12, field(1, Buffer.from(name, "utf8"))))]);
}

function cpu() {
  const relevant = /^(sse4_1|ssse3|fma|avx|avx2|avx512\w*|avx_\w*|amx_\w*|asimd\w*|i8mm|sve\w*)$/;
  let flags = [];
  if (existsSync("/proc/cpuinfo")) {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
    flags = (line?.[1] ?? "").split(/\s+/).filter((flag) => relevant.test(flag)).sort();
  }
  return {
    model: os.cpus()[0]?.model.trim() ?? "unknown",
    arch: os.arch(),
    flags,
    vnni: flags.some((flag) => /vnni/.test(flag)),
  };
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function sanitise(name) {
  return name.replace(/[^A-Za-z0-9._-]/g, "_");
}

async function runModel(ort, modelFile, inputFile, options) {
  const original = readFileSync(modelFile);
  const model = options.extra.reduce(withOutput, original);
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    executionMode: "sequential",
    graphOptimizationLevel: options.level,
    interOpNumThreads: 1,
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  if (session.inputNames.length !== 1) {
    throw new Error(`${modelFile}: models with one input are run, not ${session.inputNames}`);
  }
  const { type, dims, data } = readNpy(inputFile);
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, data, dims) });
  const outputs = session.outputNames.map((name) => ({ name, tensor: results[name] }));
  return { sha256: sha256(original), input: session.inputNames[0], outputs };
}

function parse(args) {
  const options = { level: "extended", extra: [], cases: null, rest: [] };
  for (let i = 0; i < args.length; i++) {
    const value = () => args[++i] ?? fail(USAGE);
    if (args[i] === "--level") options.level = value();
    else if (args[i] === "--extra-output") options.extra.push(value());
    else if (args[i] === "--cases") options.cases = value();
    else if (args[i].startsWith("-")) fail(USAGE);
    else options.rest.push(args[i]);
  }
  if (!["disabled", "basic", "extended", "all"].includes(options.level)) fail(USAGE);
  if (options.rest.length !== (options.cases ? 0 : 3)) fail(USAGE);
  if (options.cases && options.extra.length) fail(USAGE);
  return options;
}

async function main() {
  const options = parse(process.argv.slice(2));
  const base = process.env.ORT_MODULES
    ? path.join(path.resolve(process.env.ORT_MODULES), "package.json")
    : import.meta.url;
  const require = createRequire(base);
  const ort = require("onnxruntime-node");
  const reference = {
    onnxruntime: ort.env.versions.node,
    threads: 1,
    cpu: cpu(),
  };
  const describe = ({ name, tensor }, file) => ({ name, file, type: tensor.type, shape: tensor.dims });

  let folder;
  if (options.cases) {
    folder = options.cases;
    reference.levels = { "output.npy": "extended", "output_disabled.npy": "disabled" };
    reference.cases = {};
    const classes = JSON.parse(readFileSync(path.join(folder, "classes.json"), "utf8"));
    for (const name of Object.keys(classes).sort()) {
      const at = (file) => path.join(folder, name, file);
      const files = { "output.npy": "extended" };
      if (classes[name] !== "a") files["output_disabled.npy"] = "disabled";
      for (const [file, level] of Object.entries(files)) {
        const result = await runModel(ort, at("model.onnx"), at("input.npy"), { ...options, level });
        if (result.outputs.length !== 1) throw new Error(`${name}: a case has one output`);
        writeNpy(at(file), result.outputs[0].tensor);
        reference.cases[name] = result.sha256;
      }
    }
    console.log(`${Object.keys(classes).length} cases`);
  } else {
    const [model, input, output] = options.rest;
    folder = output;
    mkdirSync(folder, { recursive: true });
    const result = await runModel(ort, model, input, options);
    reference.level = options.level;
    reference.model = path.basename(model);
    reference.model_sha256 = result.sha256;
    reference.input = result.input;
    reference.outputs = [];
    const used = new Set();
    for (const one of result.outputs) {
      const file = `${sanitise(one.name)}.npy`;
      if (used.has(file)) throw new Error(`two outputs would both be ${file}`);
      used.add(file);
      writeNpy(path.join(folder, file), one.tensor);
      reference.outputs.push(describe(one, file));
      console.log(`${file}  ${one.tensor.type} [${one.tensor.dims}]`);
    }
  }
  writeFileSync(path.join(folder, "reference.json"), `${JSON.stringify(reference, null, 2)}\n`);
}

await main();
