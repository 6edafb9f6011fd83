// Times an ONNX file on ONNX Runtime (npm package onnxruntime-node); run by compare/targets/target_ort.cc.
// Arguments: one JSON object {model, threads, seconds, warm_ups, min_samples, max_samples, exact,
// inputs: [{type, shape, file}], output}. `exact` asks for 8-bit products that do not saturate where
// the processor has no VNNI. Each input file holds the raw little-endian elements of one batch.
// Writes the first output's raw elements to `output`; prints {version, samples: [seconds], type, dims}.
'use strict';
const fs = require('fs');

function load() {
  try {
    return require('onnxruntime-node');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    process.stderr.write('onnxruntime-node is not installed\n');
    process.exit(3);
  }
}

const kArrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array };

function tensor(ort, { type, shape, file }) {
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return new ort.Tensor(type, new kArrays[type](buffer), shape);
}

async function main() {
  const job = JSON.parse(process.argv[2]);
  const ort = load();
  const session = await ort.InferenceSession.create(job.model, {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all',
    intraOpNumThreads: job.threads, interOpNumThreads: 1,
    ...(job.exact ? { extra: { session: { x64quantprecision: '1' } } } : {}),
  });
  const feeds = {};
  session.inputNames.forEach((name, i) => { feeds[name] = tensor(ort, job.inputs[i]); });
  let results;
  for (let i = 0; i < job.warm_ups; ++i) results = await session.run(feeds);
  const samples = [];
  for (let sum = 0; samples.length < job.max_samples &&
       (samples.length < job.min_samples || sum < job.seconds); sum += samples.at(-1)) {
    const begin = process.hrtime.bigint();
    results = await session.run(feeds);
    samples.push(Number(process.hrtime.bigint() - begin) * 1e-9);
  }
  const first = results[session.outputNames[0]];
  fs.writeFileSync(job.output, Buffer.from(first.data.buffer, first.data.byteOffset,
                                           first.data.byteLength));
  const version = ort.env?.versions?.node ?? ort.env?.versions?.common ?? 'unknown';
  process.stdout.write(JSON.stringify({ version, samples, type: first.type, dims: first.dims }));
}

main().catch((error) => { process.stderr.write(String(error.message ?? error) + '\n'); process.exit(1); });
