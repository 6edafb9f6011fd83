"""Writes what ONNX Runtime computes inside whole networks.

    /usr/bin/python3 make_networks.py SYSTOLE [NAME ...]     (SYSTOLE: the built program)

For each network: made or taken from models/, quantised by `systole quantize --format
qlinear` over rows of a formula (validate/ort_networks.h), then run by ONNX Runtime at its
level `disabled` with every 8-bit tensor inside fetched. networks/<name>/ gets
network.json (shapes, the quantised file's CRC-32, a CRC-32 for each tensor),
reference.json (ONNX Runtime's version, the CPU) and each tensor of at most
WHOLE bytes as .npy. Needs numpy, onnx and what make_reference.mjs needs.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "models"
WHOLE = 4096  # bytes of a tensor that is stored whole
QUANTISED = (np.uint8, np.int8)

# Name: the model, the shapes of the calibration rows and of the input.
NETWORKS = {
    "fashion_cnn": ("fashion_cnn.onnx", (8, 1, 28, 28), (4, 1, 28, 28)),
    "resnet18": ("resnet18", (1, 3, 224, 224), (1, 3, 224, 224)),
    "resnet50": ("resnet50", (1, 3, 224, 224), (1, 3, 224, 224)),
    "mobilenet_v2": ("mobilenet_v2", (1, 3, 224, 224), (1, 3, 224, 224)),
}


def pattern(shape):
    """Element i is ((i * 7919) mod 1021) / 1020."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (np.float32(i * 7919 % 1021) / np.float32(1020)).reshape(shape)


def inner_tensors(model):
    """Names of the results that are 8-bit tensors."""
    integers = {"QuantizeLinear", "QLinearConv", "QLinearMatMul"}
    names = set()
    for node in model.graph.node:  # in topological order
        passes_on = node.op_type in ("MaxPool", "Reshape", "Flatten", "Transpose", "Concat")
        if node.op_type in integers or (passes_on and node.input[0] in names):
            names.add(node.output[0])
    return sorted(names)


def one_line_each(network, tensors):
    """The JSON of a network, a line for each key and each tensor."""
    head = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in network.items()]
    rows = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in tensors.items()]
    return "\n".join(["{", *head, ' "tensors": {', ",\n".join(rows), " }", "}"]) + "\n"


def run_network(systole, name, work):
    source, samples, shape = NETWORKS[name]
    floats = MODELS / source
    if not source.endswith(".onnx"):
        floats = work / "float.onnx"
        subprocess.run([systole, "models", "make", source, "-o", floats], check=True)
    np.save(work / "samples.npy", pattern(samples))
    np.save(work / "input.npy", pattern(shape))
    quantised = work / "quantised.onnx"
    command = [systole, "quantize", floats, "--calibrate", work / "samples.npy", "-o", quantised]
    subprocess.run([*command, "--format", "qlinear"], check=True)
    names = inner_tensors(onnx.load(quantised))
    extra = [word for tensor in names for word in ("--extra-output", tensor)]
    command = ["node", HERE / "make_reference.mjs", quantised, work / "input.npy", work / "out"]
    subprocess.run([*command, "--level", "disabled", *extra], check=True, stdout=subprocess.DEVNULL)
    folder = HERE / "networks" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tensors = {}
    for tensor in names:
        file = re.sub(r"[^A-Za-z0-9._-]", "_", tensor) + ".npy"
        values = np.load(work / "out" / file)
        assert values.dtype in QUANTISED, tensor
        tensors[tensor] = {"crc32": zlib.crc32(values.tobytes())}
        if values.nbytes <= WHOLE:
            tensors[tensor]["file"] = file
            np.save(folder / file, values)
    network = {
        "model": source,
        "samples": samples,
        "input": shape,
        "model_crc32": zlib.crc32(quantised.read_bytes()),
    }
    (folder / "network.json").write_text(one_line_each(network, tensors))
    reference = json.loads((work / "out" / "reference.json").read_text())
    for key in ("model", "outputs"):  # of the work folder
        del reference[key]
    (folder / "reference.json").write_text(json.dumps(reference, indent=2) + "\n")
    print(f"{name}: {len(names)} tensors")


def main():
    systole = pathlib.Path(sys.argv[1]).resolve()
    for name in sys.argv[2:] or NETWORKS:
        with tempfile.TemporaryDirectory() as work:
            run_network(systole, name, pathlib.Path(work))


main()
