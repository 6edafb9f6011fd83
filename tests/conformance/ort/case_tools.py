"""What the scripts that write test models share."""

import zlib

import numpy as np
import onnx
import onnx.shape_inference
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
CHECKED_OPSET = 17  # the newest one that Debian's python3-onnx checks
IR_VERSION = 7
ONNX_TYPE = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.int32): TensorProto.INT32,
}
F32, U8, S8, I32 = np.float32, np.uint8, np.int8, np.int32

CASES = {}


def case(letter, name, make, /, **options):
    """Registers a case of class `letter`: make(folder, **options) writes it."""
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    CASES[name] = (letter, make, options)


def random_of(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


class Graph:
    """Gathers nodes and initializers, then writes a checked model."""

    def __init__(self, opset=OPSET):
        self.nodes, self.initializers, self.opset = [], [], opset

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def quantise(self, x, scale, zero, y, **attributes):
        inputs = [x, self.constant(y + "_scale", scale), self.constant(y + "_zero", zero)]
        return self.node("QuantizeLinear", inputs, y, **attributes)

    def dequantise(self, x, scale, zero, y, **attributes):
        inputs = [x, self.constant(y + "_scale", scale), self.constant(y + "_zero", zero)]
        return self.node("DequantizeLinear", inputs, y, **attributes)

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], output + "_" + op, **attributes))
        return output

    def save(self, folder, x, y_type, y_shape):
        graph = helper.make_graph(
            self.nodes,
            folder.name,
            [helper.make_tensor_value_info("x", ONNX_TYPE[x.dtype], x.shape)],
            [helper.make_tensor_value_info("y", ONNX_TYPE[np.dtype(y_type)], y_shape)],
            self.initializers,
        )
        model = helper.make_model(
            graph,
            producer_name="systole-tests",
            opset_imports=[helper.make_opsetid("", self.opset)],
        )
        model.ir_version = IR_VERSION if self.opset <= CHECKED_OPSET else 9
        if self.opset <= CHECKED_OPSET:
            model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
            del model.graph.value_info[:]
            onnx.checker.check_model(model, full_check=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        np.save(folder / "input.npy", x)


def output_scale(real, y_zero):
    """A scale for which most of the outputs fit and a few saturate."""
    room = max(int(y_zero), 255 - int(y_zero))
    return F32(np.abs(real).max() * 0.8 / room)
