"""Writes the quantised test models and their inputs.

    /usr/bin/python3 make_models.py [FOLDER]      (default: cases, beside this file)

Each case is FOLDER/<case>/model.onnx and input.npy; FOLDER/classes.json has the
class of each (see README.md). The outputs come from ONNX Runtime afterwards
(make_reference.mjs --cases FOLDER). Every case has its own seed, from its name,
so that a new case changes no other. Needs numpy and onnx.

This file holds the matrix products and quantisation itself; operator_models.py
the other operators.
"""

import json
import pathlib
import sys

import numpy as np

import operator_models  # noqa: F401  (registers its cases)
from case_tools import CASES, F32, I32, S8, U8, Graph, case, output_scale, random_of


def operands(rng, m, k, n, per_channel):
    x = rng.integers(0, 256, (m, k), dtype=U8)
    w = rng.integers(-127, 128, (k, n), dtype=S8)
    x_zero = U8(rng.integers(90, 160))
    x_scale = F32(rng.uniform(0.005, 0.02))
    w_scale = rng.uniform(0.001, 0.01, n if per_channel else ()).astype(F32)
    return x, w, x_zero, x_scale, w_scale


def edge_scale(acc, scale, y_zero):
    """A scale for which the order and the precision of the steps show.

    It puts one result so close to halfway that formulas other than
    round(float(acc) * float(scale / y_scale)) give another integer.
    """
    start = output_scale(acc * scale, y_zero)
    best, best_count = start, -1
    for value in acc.ravel():
        half = F32(np.floor(F32(value) * scale / start) + 0.5)
        if abs(half) > 90:  # it would saturate
            continue
        y_scale = F32(F32(value) * scale / half)
        for towards in (F32(0), F32(np.inf)):
            y_scale = np.nextafter(y_scale, towards)
            real = acc.astype(F32)
            results = [
                np.rint(product)
                for product in (
                    real * (scale / y_scale),
                    acc * float(scale / y_scale),
                    real.astype(np.float64) * (float(scale) / float(y_scale)),
                    real * scale / y_scale,
                    real * (scale * (F32(1) / y_scale)),
                )
            ]
            count = sum(bool((other != results[0]).any()) for other in results[1:])
            if count > best_count:
                best, best_count = y_scale, count
    print(f"edge: {best_count} of 4 other formulas give another result")
    return best


def gemm(
    folder,
    op="Gemm",
    shape=(7, 33, 19),
    trans_b=1,
    per_channel=False,
    bias=True,
    relu=False,
    y_zero=None,
    quantise=True,
    special=None,
):
    """DequantizeLinear x, w, b -> Gemm or MatMul -> [Relu] -> QuantizeLinear."""
    rng = random_of(folder.name)
    m, k, n = shape
    x, w, x_zero, x_scale, w_scale = operands(rng, m, k, n, per_channel)
    if y_zero is None:
        y_zero = 0 if relu else rng.integers(100, 150)
    y_zero = U8(y_zero)
    b = rng.integers(-60000, 60000, n, dtype=I32)
    if special == "ties":  # acc / 64 exactly: one result in 64 lies halfway
        x_scale, w_scale = F32(2**-7), np.asarray(F32(2**-6))
        w = rng.integers(-2, 3, (k, n), dtype=S8)
        b = rng.integers(-60, 61, n, dtype=I32)
    if special in ("big", "edge"):  # sums past 2^24, which float32 has to round
        b = rng.integers(-(2**30), 2**30, n, dtype=I32)
    acc = (x.astype(I32) - I32(x_zero)) @ w.astype(I32) + (b if bias else 0)
    y_scale = output_scale(acc * (x_scale * w_scale), y_zero)
    if special == "ties":
        y_scale = F32(2**-7)
    if special == "edge":
        y_scale = edge_scale(acc, F32(x_scale * w_scale), y_zero)

    graph = Graph()
    graph.node(
        "DequantizeLinear",
        ["x", graph.constant("x_scale", x_scale), graph.constant("x_zero", x_zero)],
        "x_real",
    )
    channel = {"axis": 0 if trans_b else 1} if per_channel else {}
    w_zero = np.zeros(w_scale.shape, S8)
    graph.node(
        "DequantizeLinear",
        [
            graph.constant("w", np.ascontiguousarray(w.T) if trans_b else w),
            graph.constant("w_scale", w_scale),
            graph.constant("w_zero", w_zero),
        ],
        "w_real",
        **channel,
    )
    inputs = ["x_real", "w_real"]
    if bias:
        graph.node(
            "DequantizeLinear",
            [
                graph.constant("b", b),
                graph.constant("b_scale", (x_scale * w_scale).astype(F32)),
                graph.constant("b_zero", np.zeros(w_scale.shape, I32)),
            ],
            "b_real",
            **({"axis": 0} if per_channel else {}),
        )
        inputs.append("b_real")
    attributes = {"alpha": 1.0, "beta": 1.0, "transB": trans_b} if op == "Gemm" else {}
    last = graph.node(op, inputs, "y_real" if quantise or relu else "y", **attributes)
    if relu:
        last = graph.node("Relu", [last], "y_relu" if quantise else "y")
    if quantise:
        graph.node(
            "QuantizeLinear",
            [last, graph.constant("y_scale", y_scale), graph.constant("y_zero", y_zero)],
            "y",
        )
    graph.save(folder, x, U8 if quantise else F32, (m, n))


def matmul(folder, **options):
    gemm(folder, op="MatMul", trans_b=0, bias=False, **options)


def qlinear_matmul(folder, shape):
    rng = random_of(folder.name)
    m, k, n = shape
    x, w, x_zero, x_scale, w_scale = operands(rng, m, k, n, False)
    y_zero = U8(rng.integers(100, 150))
    acc = (x.astype(I32) - I32(x_zero)) @ w.astype(I32)
    graph = Graph()
    inputs = ["x"]
    for name, value in (
        ("x_scale", x_scale),
        ("x_zero", x_zero),
        ("w", w),
        ("w_scale", w_scale),
        ("w_zero", S8(0)),
        ("y_scale", output_scale(acc * (x_scale * w_scale), y_zero)),
        ("y_zero", y_zero),
    ):
        inputs.append(graph.constant(name, value))
    graph.node("QLinearMatMul", inputs, "y")
    graph.save(folder, x, U8, (m, n))


def matmul_integer(folder, shape, x_zero=False, w_zero=False):
    rng = random_of(folder.name)
    m, k, n = shape
    x, w, x_point, _, _ = operands(rng, m, k, n, False)
    graph = Graph()
    inputs = ["x", graph.constant("w", w)]
    if x_zero:
        inputs.append(graph.constant("x_zero", x_point))
    if w_zero:
        inputs.append(graph.constant("w_zero", S8(rng.integers(-20, 21))))
    graph.node("MatMulInteger", inputs, "y")
    graph.save(folder, x, I32, (m, n))


def quantize(folder, kind, axis=None):
    """Random values, every half step, and values far out of range."""
    rng = random_of(folder.name)
    rows, columns = 8, 97
    scale = F32(0.1) if axis is None else rng.uniform(0.01, 0.3, columns).astype(F32)
    low = np.iinfo(kind).min
    zero = rng.integers(low + 90, low + 160, None if axis is None else columns).astype(kind)
    x = rng.normal(0, 10, (rows, columns)).astype(F32)
    x[1:5] = ((np.arange(4 * columns) - 2 * columns).reshape(4, columns) * F32(0.5)) * scale
    x[0, :6] = [0.0, -0.0, 1e10, -1e10, np.inf, -np.inf]
    graph = Graph()
    graph.node(
        "QuantizeLinear",
        ["x", graph.constant("y_scale", scale), graph.constant("y_zero", zero)],
        "y",
        **({} if axis is None else {"axis": axis}),
    )
    graph.save(folder, x, kind, x.shape)


def dequantize(folder, kind, axis=None):
    rng = random_of(folder.name)
    rows, columns = 6, 43
    shape = None if axis is None else columns
    scale = F32(0.1) if axis is None else rng.uniform(0.01, 0.3, columns).astype(F32)
    info = np.iinfo(kind)
    x = rng.integers(info.min, info.max, (rows, columns), dtype=kind, endpoint=True)
    x[0, :2] = [info.min, info.max]
    zero = rng.integers(info.min // 4, info.max // 2, shape).astype(kind)
    if kind is I32:
        zero = np.zeros_like(zero)
    graph = Graph()
    graph.node(
        "DequantizeLinear",
        ["x", graph.constant("x_scale", scale), graph.constant("x_zero", zero)],
        "y",
        **({} if axis is None else {"axis": axis}),
    )
    graph.save(folder, x, F32, x.shape)


SMALL, MIDDLE, LARGE = (7, 33, 19), (5, 300, 260), (2, 784, 512)

for t in (0, 1):
    case("a", f"gemm_t{t}_small", gemm, trans_b=t)
    case("a", f"gemm_t{t}_small_relu", gemm, trans_b=t, relu=True)
    case("a", f"gemm_t{t}_small_channel", gemm, trans_b=t, per_channel=True)
    case("a", f"gemm_t{t}_small_channel_relu", gemm, trans_b=t, per_channel=True, relu=True)
case("a", "gemm_t0_middle", gemm, shape=MIDDLE, trans_b=0)
case("a", "gemm_t1_middle_channel_relu", gemm, shape=MIDDLE, per_channel=True, relu=True)
case("a", "gemm_t1_large_channel_relu", gemm, shape=LARGE, per_channel=True, relu=True)
case("a", "gemm_no_bias", gemm, bias=False)
case("a", "gemm_one_row", gemm, shape=(1, 65, 33))
case("a", "gemm_one_column", gemm, shape=(9, 17, 1))
case("a", "gemm_ties", gemm, shape=(16, 40, 30), special="ties")
case("a", "gemm_big_bias", gemm, shape=(6, 50, 40), special="big")
for i in range(4):
    case("a", f"gemm_edge_{i}", gemm, shape=(6, 20, 40), special="edge")
case("a", "gemm_relu_nonzero_point", gemm, relu=True, y_zero=31)
case("a", "gemm_real_out", gemm, quantise=False)
case("a", "gemm_real_out_channel", gemm, quantise=False, per_channel=True)
case("a", "matmul_small", matmul)
case("a", "matmul_small_relu", matmul, relu=True)
case("a", "matmul_middle_channel", matmul, shape=MIDDLE, per_channel=True)
case("a", "qlinear_matmul_small", qlinear_matmul, shape=SMALL)
case("a", "qlinear_matmul_middle", qlinear_matmul, shape=MIDDLE)
case("a", "matmul_integer_plain", matmul_integer, shape=SMALL)
case("a", "matmul_integer_x_zero", matmul_integer, shape=MIDDLE, x_zero=True)
case("a", "matmul_integer_both_zeros", matmul_integer, shape=SMALL, x_zero=True, w_zero=True)
case("b", "quantize_u8", quantize, kind=U8)
case("b", "quantize_s8", quantize, kind=S8)
case("b", "quantize_u8_axis1", quantize, kind=U8, axis=1)
case("b", "dequantize_u8", dequantize, kind=U8)
case("b", "dequantize_s8", dequantize, kind=S8)
case("b", "dequantize_s8_axis1", dequantize, kind=S8, axis=1)
case("b", "dequantize_s32", dequantize, kind=I32)


def main():
    default = pathlib.Path(__file__).resolve().parent / "cases"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    classes = {}
    for name, (letter, make, options) in sorted(CASES.items()):
        make(root / name, **options)
        classes[name] = letter
    (root / "classes.json").write_text(json.dumps(classes, indent=2) + "\n")
    print(f"{len(CASES)} cases in {root}")


if __name__ == "__main__":
    main()
