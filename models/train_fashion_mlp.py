"""Trains the Fashion-MNIST MLP and writes models/fashion_mlp.onnx.

The network is the TensorFlow quick-start MLP: Flatten (done by the reader),
Dense 512 + ReLU, Dropout 0.2 (training only), Dense 10 + softmax. Adam, sparse
cross-entropy, inputs x/255 in float32. The test pictures are only ever
evaluated: they choose neither the weights nor the number of epochs.

Run with the Python that has torch and onnx (Debian: python3-torch,
python3-onnx, and the data set from dataset-fashion-mnist):

    /usr/bin/python3 models/train_fashion_mlp.py

    --data DIR     folder of the four IDX .gz files
    --out FILE     the ONNX file to write
    --check        train nothing: check and evaluate an existing --out
"""

import argparse
import gzip
import math
import pathlib
import struct
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20
EPOCHS = 15
BATCH = 128
LEARNING_RATE = 1e-3
FINAL_LEARNING_RATE = 1e-5
OPSET = 13
IR_VERSION = 7


def read_idx(path):
    """The array in one gzipped IDX file of unsigned bytes."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if zero != 0 or kind != 0x08:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    if len(data) != 4 + 4 * rank + math.prod(shape):
        raise ValueError(f"{path}: the size does not match the header")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_split(folder, name):
    """Pictures as float32 [count,784] in 0..1 and labels as int64 [count]."""
    pictures = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz")
    if len(pictures) != len(labels):
        raise ValueError(f"{name}: as many pictures as labels were expected")
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    return flat / np.float32(255), labels.astype(np.int64)


def train(pictures, labels):
    """The trained weights by name, float32, in torch's [out,in] layout."""
    import torch

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(2)  # the sums, hence the weights, depend on it

    x = torch.from_numpy(pictures)
    y = torch.from_numpy(labels)
    fc1 = torch.nn.Linear(784, 512)
    fc2 = torch.nn.Linear(512, 10)
    for layer in (fc1, fc2):  # Keras's defaults
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    model = torch.nn.Sequential(fc1, torch.nn.ReLU(), torch.nn.Dropout(0.2), fc2)
    model.train()

    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, eps=1e-7)
    steps = EPOCHS * math.ceil(len(x) / BATCH)
    step = 0
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x))
        total = 0.0
        for start in range(0, len(x), BATCH):
            # cosine decay
            blend = 0.5 * (1 + math.cos(math.pi * step / steps))
            for group in optimizer.param_groups:
                group["lr"] = (
                    FINAL_LEARNING_RATE + (LEARNING_RATE - FINAL_LEARNING_RATE) * blend
                )
            picked = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = loss_of(model(x[picked]), y[picked])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(picked)
            step += 1
        print(f"epoch {epoch + 1:2}/{EPOCHS}  loss {total / len(x):.4f}", flush=True)

    return {
        "fc1.weight": fc1.weight.detach().numpy(),
        "fc1.bias": fc1.bias.detach().numpy(),
        "fc2.weight": fc2.weight.detach().numpy(),
        "fc2.bias": fc2.bias.detach().numpy(),
    }


def write_onnx(weights, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(
            "Gemm", ["x", "fc1.weight", "fc1.bias"], ["fc1.out"], "fc1", transB=1
        ),
        helper.make_node("Relu", ["fc1.out"], ["relu1.out"], "relu1"),
        helper.make_node(
            "Gemm", ["relu1.out", "fc2.weight", "fc2.bias"], ["logits"], "fc2", transB=1
        ),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "fashion_mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 784])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
        doc_string="Fashion-MNIST MLP 784-512-10; x is the picture's bytes / 255.",
    )
    model = helper.make_model(
        graph,
        producer_name="systole-models",
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def evaluate(path, pictures, labels):
    """The accuracy of the ONNX file itself, run node by node in NumPy."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    values["x"] = pictures
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] for name in node.input]
        if node.op_type == "Gemm" and attributes == {"transB": 1}:
            value = inputs[0] @ inputs[1].T + inputs[2]
        elif node.op_type == "Relu":
            value = np.maximum(inputs[0], 0)
        elif node.op_type == "Softmax" and attributes == {"axis": -1}:
            shifted = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True))
            value = shifted / shifted.sum(axis=-1, keepdims=True)
        else:
            raise ValueError(f"unexpected node {node.op_type} {attributes}")
        values[node.output[0]] = value
    guesses = values[model.graph.output[0].name].argmax(axis=1)
    return int((guesses == labels).sum()), len(labels)


def main():
    parser = argparse.ArgumentParser(description="Trains the Fashion-MNIST MLP.")
    parser.add_argument(
        "--data", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist")
    )
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "fashion_mlp.onnx")
    parser.add_argument("--check", action="store_true", help="only evaluate --out")
    args = parser.parse_args()

    if not args.check:
        write_onnx(train(*read_split(args.data, "train")), args.out)
    right, count = evaluate(args.out, *read_split(args.data, "t10k"))
    print(f"{args.out.name}: {right} of {count} test pictures right ({right / count:.2%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
