// Tensors as .npy files, seeded random ones, and how far two sets of outputs are apart.

import { readFileSync, writeFileSync } from "node:fs";

// By the name that systole and ONNX Runtime have for an element type.
const TYPES = {
  float32: { descr: "<f4", array: Float32Array },
  uint8: { descr: "|u1", array: Uint8Array },
  int8: { descr: "|i1", array: Int8Array },
  uint16: { descr: "<u2", array: Uint16Array },
  int16: { descr: "<i2", array: Int16Array },
  int32: { descr: "<i4", array: Int32Array },
  int64: { descr: "<i8", array: BigInt64Array },
  bool: { descr: "|b1", array: Uint8Array },
  float64: { descr: "<f8", array: Float64Array },
};

export function readNpy(file) {
  const bytes = readFileSync(file);
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString("latin1", start, end);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "";
  const type = Object.keys(TYPES).find((key) => TYPES[key].descr === descr);
  if (!type) throw new Error(`${file}: element type ${descr}`);
  const dims = shape.split(",").map((text) => text.trim()).filter(Boolean).map(Number);
  const copy = new Uint8Array(bytes.subarray(end)); // aligned
  return { type, dims, data: new TYPES[type].array(copy.buffer) };
}

export function writeNpy(file, { type, dims, data }) {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '${TYPES[type].descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = `${text.padEnd(total - 11)}\n`;
  const prefix = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  prefix.writeUInt16LE(header.length, 8);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(file, Buffer.concat([prefix, Buffer.from(header, "latin1"), body]));
}

// xorshift32, so that a table can be made again.
function generator(seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4294967296;
  };
}

// Floats in [0, 1); whole numbers in [0, 128), or `value` (default 1) where there is one element.
export function randomTensor(type, dims, seed, value) {
  const known = TYPES[type];
  if (!known) throw new Error(`an input of type ${type}`);
  const count = dims.reduce((a, b) => a * b, 1);
  const data = new known.array(count);
  const next = generator(seed);
  const whole = (v) => (type === "int64" ? BigInt(v) : type === "bool" ? v % 2 : v);
  for (let i = 0; i < count; ++i) {
    if (type.startsWith("float")) data[i] = next();
    else data[i] = whole(count === 1 ? (value ?? 1) : Math.floor(next() * 128));
  }
  return { type, dims, data };
}

// Outputs are files, in whose names characters may be replaced.
function outputNamed(outputs, name) {
  if (outputs.length === 1) return outputs[0];
  const plain = (text) => text.replace(/[^A-Za-z0-9.-]/g, "_");
  return outputs.find((o) => plain(o.name) === plain(name));
}

// The largest difference of two outputs as a share of the second one's largest value, over all.
export function largestDifference(outputs, references) {
  let worst = 0;
  for (const [name, reference] of Object.entries(references)) {
    const output = outputNamed(outputs, name);
    if (!output || output.data.length !== reference.data.length) return Infinity;
    let largest = 0;
    let difference = 0;
    for (let i = 0; i < reference.data.length; ++i) {
      const right = Number(reference.data[i]);
      largest = Math.max(largest, Math.abs(right));
      difference = Math.max(difference, Math.abs(right - Number(output.data[i])));
    }
    if (difference > 0) worst = Math.max(worst, difference / (largest || 1));
  }
  return worst;
}
