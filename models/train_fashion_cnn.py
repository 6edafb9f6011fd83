"""Trains the Fashion-MNIST CNN and writes models/fashion_cnn.onnx.

Three 3x3 convolutions of 16, 32 and 64 filters, each with batch normalisation
and ReLU, a 2x2 max pool behind the first two, and one dense layer: 57,000
weights. Adam, cross-entropy, inputs x/255 in float32, pictures mirrored at
random while training. The test pictures are only ever evaluated: they choose
neither the weights nor the number of epochs.

Run with the Python that has torch and onnx (Debian: python3-torch,
python3-onnx, and the data set from dataset-fashion-mnist):

    /usr/bin/python3 models/train_fashion_cnn.py

    --data DIR     folder of the four IDX .gz files
    --out FILE     the ONNX file to write
    --check        train nothing: check and evaluate an existing --out
"""

import argparse
import math
import pathlib
import sys

from train_fashion_mlp import read_split

HERE = pathlib.Path(__file__).resolve().parent
SEED = 21
EPOCHS = 8
BATCH = 128
LEARNING_RATE = 4e-3
FINAL_LEARNING_RATE = 1e-5
FILTERS = (16, 32, 64)
NAMES = {"Conv2d": "conv", "BatchNorm2d": "bn", "MaxPool2d": "pool", "Linear": "fc"}
OPSET = 13
IR_VERSION = 7


def make_network():
    from torch import nn

    layers, channels = [], 1
    for index, filters in enumerate(FILTERS):
        layers += [nn.Conv2d(channels, filters, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(filters), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if index < 2 else []
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * 49, 10))


def train(pictures, labels):
    """The trained network."""
    import torch

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the sums, hence the weights, depend on it

    x = torch.from_numpy(pictures).reshape(-1, 1, 28, 28)
    y = torch.from_numpy(labels)
    network = make_network().train()
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
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
            batch = x[picked]
            mirrored = torch.rand(len(picked)) < 0.5
            batch[mirrored] = batch[mirrored].flip(3)
            optimizer.zero_grad()
            loss = loss_of(network(batch), y[picked])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(picked)
            step += 1
        print(f"epoch {epoch + 1}/{EPOCHS}  loss {total / len(x):.4f}", flush=True)
    return network.eval()


def write_onnx(network, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from torch import nn

    nodes, initializers, names, last = [], [], {}, "x"

    def constant(name, value):
        initializers.append(numpy_helper.from_array(value.detach().numpy(), name))
        return name

    for module in network:
        kind = type(module).__name__
        if isinstance(module, nn.Dropout):
            continue
        names[kind] = names.get(kind, 0) + 1
        name = NAMES.get(kind, kind.lower()) + str(names[kind])
        inputs, attributes = [last], {}
        if isinstance(module, nn.Conv2d):
            op = "Conv"
            inputs += [constant(name + ".weight", module.weight)]
            attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        elif isinstance(module, nn.BatchNorm2d):
            op = "BatchNormalization"
            for key in ("weight", "bias", "running_mean", "running_var"):
                inputs.append(constant(f"{name}.{key}", getattr(module, key)))
            attributes = {"epsilon": module.eps}
        elif isinstance(module, nn.ReLU):
            op = "Relu"
        elif isinstance(module, nn.MaxPool2d):
            op = "MaxPool"
            attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        elif isinstance(module, nn.Flatten):
            op = "Flatten"
        else:
            op = "Gemm"
            inputs += [constant(name + ".weight", module.weight)]
            inputs += [constant(name + ".bias", module.bias)]
            attributes = {"transB": 1}
        last = name + ".out"
        nodes.append(helper.make_node(op, inputs, [last], name, **attributes))
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"], "softmax", axis=-1))
    graph = helper.make_graph(
        nodes,
        "fashion_cnn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        initializers,
        doc_string="Fashion-MNIST CNN 16-32-64-10; x is the picture's bytes / 255.",
    )
    model = helper.make_model(
        graph,
        producer_name="systole-models",
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def load(path):
    """The network with the ONNX file's own weights."""
    import onnx
    import torch
    from onnx import numpy_helper

    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    stored = [torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer]
    network = make_network()
    state = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    network.load_state_dict(dict(zip(state, stored, strict=True)), strict=False)
    return network.eval()


def evaluate(network, pictures, labels):
    import torch

    with torch.no_grad():
        batches = torch.from_numpy(pictures).reshape(-1, 1, 28, 28).split(500)
        guesses = torch.cat([network(batch).argmax(1) for batch in batches])
    return int((guesses.numpy() == labels).sum()), len(labels)


def main():
    parser = argparse.ArgumentParser(description="Trains the Fashion-MNIST CNN.")
    parser.add_argument(
        "--data", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist")
    )
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "fashion_cnn.onnx")
    parser.add_argument("--check", action="store_true", help="only evaluate --out")
    args = parser.parse_args()

    if not args.check:
        write_onnx(train(*read_split(args.data, "train")), args.out)
    right, count = evaluate(load(args.out), *read_split(args.data, "t10k"))
    print(f"{args.out.name}: {right} of {count} test pictures right ({right / count:.2%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
