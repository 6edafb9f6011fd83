"""Compares the checked-in ONNX Runtime outputs with integer formulas in NumPy.

    /usr/bin/python3 check_formulas.py [FOLDER]   (default: cases, beside this file)

A quantised matrix product is, all steps in float32 unless they are integer:
    acc = sum((x - x_zero) * (w - w_zero)) + b          int32
    m   = (x_scale * w_scale[c]) / y_scale
    y   = saturate(round_half_even(float(acc) * m) + y_zero)
Where no QuantizeLinear follows the product (or a Relu that cannot be folded into it
lies between), it is y = float(acc) * (x_scale * w_scale[c]) instead. ReLU with
y_zero at the type's lowest value is the saturation itself. Cases of other
operators have no formula here and are left out.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

F32 = np.float32


PRODUCTS = {"Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"}


def has_formula(model):
    ops = [node.op_type for node in model.graph.node]
    return ops in (["QuantizeLinear"], ["DequantizeLinear"]) or bool(PRODUCTS & set(ops))


def saturate(rounded, zero):
    info = np.iinfo(zero.dtype)
    # float64 holds every int32 and every float32 sum here
    shifted = rounded.astype(np.float64) + zero.astype(np.float64)
    return np.clip(shifted, info.min, info.max).astype(zero.dtype)


def quantize(real, scale, zero):
    return saturate(np.rint(real / scale), zero)


def expected(model, x):
    c = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    ops = [node.op_type for node in model.graph.node]
    if ops == ["QuantizeLinear"]:
        return quantize(x, c["y_scale"], c["y_zero"])
    if ops == ["DequantizeLinear"]:
        return (x.astype(np.int32) - c["x_zero"].astype(np.int32)).astype(F32) * c["x_scale"]

    w_zero = c.get("w_zero", np.int8(0)).astype(np.int32)
    if w_zero.ndim and w_zero.any():
        raise ValueError("weights quantised per channel are symmetric here")
    w = c["w"].astype(np.int32) - (0 if w_zero.ndim else w_zero)
    for node in model.graph.node:
        if node.op_type == "Gemm" and helper.get_attribute_value(
            next(a for a in node.attribute if a.name == "transB")
        ):
            w = w.T
    acc = (x.astype(np.int32) - c.get("x_zero", np.uint8(0)).astype(np.int32)) @ w
    acc = acc + c.get("b", np.int32(0))
    if ops == ["MatMulInteger"]:
        return acc
    scale = c["x_scale"] * c["w_scale"]
    if "y_scale" not in c:
        return acc.astype(F32) * scale
    if "Relu" in ops and c["y_zero"] != np.iinfo(c["y_zero"].dtype).min:
        return quantize(np.maximum(acc.astype(F32) * scale, 0), c["y_scale"], c["y_zero"])
    return saturate(np.rint(acc.astype(F32) * (scale / c["y_scale"])), c["y_zero"])


def main():
    default = pathlib.Path(__file__).resolve().parent / "cases"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    wrong = 0
    for folder in sorted(path.parent for path in root.glob("*/model.onnx")):
        model = onnx.load(str(folder / "model.onnx"))
        if not has_formula(model):
            continue
        x, y = np.load(folder / "input.npy"), np.load(folder / "output.npy")
        guess = expected(model, x)
        same = guess.dtype == y.dtype and guess.tobytes() == y.tobytes()
        wrong += not same
        note = "" if same else f"  {int((guess != y).sum())} of {y.size} differ"
        if not same and guess.shape == y.shape:
            note += f", at most by {np.nanmax(np.abs(guess.astype(float) - y.astype(float))):.9g}"
        print(f"{'same  ' if same else 'DIFFER'} {folder.name:30} {y.dtype}{list(y.shape)}{note}")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
