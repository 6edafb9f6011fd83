"""Test models of convolutions, pools, element-wise operators and moves between
DequantizeLinear and QuantizeLinear. make_models.py writes them."""

import numpy as np

from case_tools import F32, I32, S8, U8, Graph, case, random_of


def image(rng, shape, kind=U8):
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)


def conv_operands(rng, shape, filters, kernel, group, w_kind=S8, x_kind=U8):
    """x, w, and scales with which the results use most of 8 bits."""
    x = image(rng, shape, x_kind)
    w = image(rng, (filters, shape[1] // group, *kernel), w_kind)
    if w_kind is S8:
        w = np.maximum(w, S8(-127))
    x_scale, y_scale = F32(rng.uniform(0.005, 0.02)), F32(rng.uniform(0.02, 0.06))
    fan_in = w[0].size
    w_scale = F32(y_scale * 40 / (x_scale * 74 * 74 * np.sqrt(fan_in)))
    return x, w, x_scale, w_scale, y_scale


def conv(
    folder,
    shape,
    filters,
    kernel,
    group=1,
    per_channel=True,
    bias=True,
    relu=None,
    y_zero=None,
    w_kind=S8,
    w_zero=0,
    qlinear=False,
    x_kind=U8,
    y_kind=U8,
    **attributes,
):
    """DequantizeLinear x, w, b -> Conv -> [Relu or Clip] -> QuantizeLinear, or QLinearConv."""
    rng = random_of(folder.name)
    x, w, x_scale, w_scale, y_scale = conv_operands(
        rng, shape, filters, kernel, group, w_kind, x_kind
    )
    if per_channel:
        w_scale = (w_scale * rng.uniform(0.5, 1.5, filters)).astype(F32)
    w_zeros = np.full(w_scale.shape, w_zero, w_kind)
    low = np.iinfo(y_kind).min
    y_zero = y_kind(low if relu else low + 128 if y_zero is None else y_zero)
    x_zero = x_kind(np.iinfo(x_kind).min + rng.integers(100, 150))
    b = rng.integers(-20000, 20000, filters, dtype=I32)
    graph = Graph()
    if group != 1:
        attributes["group"] = group
    if qlinear:
        inputs = ["x", graph.constant("xs", x_scale), graph.constant("xz", x_zero)]
        inputs += [graph.constant("w", w), graph.constant("ws", w_scale)]
        inputs += [graph.constant("wz", w_zeros)]
        inputs += [graph.constant("ys", y_scale), graph.constant("yz", y_zero)]
        inputs += [graph.constant("b", b)] if bias else []
        graph.node("QLinearConv", inputs, "y", **attributes)
        return graph.save(folder, x, y_kind, None)
    axis = {"axis": 0} if per_channel else {}
    inputs = [
        graph.dequantise("x", x_scale, x_zero, "xr"),
        graph.dequantise(graph.constant("w", w), w_scale, w_zeros, "wr", **axis),
    ]
    if bias:
        zeros = np.zeros(w_scale.shape, I32)
        scales = (x_scale * w_scale).astype(F32)
        inputs.append(graph.dequantise(graph.constant("b", b), scales, zeros, "br", **axis))
    last = graph.node("Conv", inputs, "c", **attributes)
    if relu == "relu":
        last = graph.node("Relu", [last], "r")
    elif relu:
        limits = [graph.constant("lo", F32(0)), graph.constant("hi", F32(relu))]
        last = graph.node("Clip", [last, *limits], "r")
    graph.quantise(last, y_scale, y_zero, "y")
    graph.save(folder, x, y_kind, None)


def conv_integer(folder, shape, filters, kernel, x_zero=None, w_zero=None, **attributes):
    rng = random_of(folder.name)
    graph = Graph()
    inputs = ["x", graph.constant("w", image(rng, (filters, shape[1], *kernel), S8))]
    if x_zero is not None:
        inputs.append(graph.constant("xz", U8(x_zero)))
    if w_zero is not None:
        inputs.append(graph.constant("wz", S8(w_zero)))
    graph.node("ConvInteger", inputs, "y", **attributes)
    graph.save(folder, image(rng, shape), I32, None)


def between(
    folder,
    op,
    shape=(2, 4, 9, 8),
    second=None,
    relu=False,
    kind=U8,
    y_kind=U8,
    y_scale=0.043,
    y_zero=None,
    same=False,
    constants=(),
    opset=13,
    **attributes,
):
    """DequantizeLinear -> op -> [Relu] -> QuantizeLinear.

    second: shape of a second, constant operand; "x" for x itself at another scale.
    constants: further inputs, taken as they are. same: one scale before and after.
    """
    rng = random_of(folder.name)
    graph = Graph(opset)
    low = int(np.iinfo(kind).min)
    x_scale, x_zero = F32(0.031), kind(low + 113)
    inputs = [graph.dequantise("x", x_scale, x_zero, "xr")]
    if second == "x":
        inputs.append(graph.dequantise("x", F32(0.019), kind(low + 40), "sr"))
    elif second:
        stored = graph.constant("s", image(rng, second, kind))
        inputs.append(graph.dequantise(stored, F32(0.019), kind(low + 140), "sr"))
    inputs += [graph.constant(f"k{i}", value) for i, value in enumerate(constants)]
    last = graph.node(op, inputs, "f", **attributes)
    if relu:
        last = graph.node("Relu", [last], "r")
    if same:
        graph.quantise(last, x_scale, x_zero, "y")
    else:
        zero = int(np.iinfo(y_kind).min) + (100 if y_zero is None else y_zero)
        graph.quantise(last, F32(y_scale), y_kind(zero), "y")
    graph.save(folder, image(rng, shape, kind), y_kind, None)


def plain(folder, op, shape, kind=U8, **attributes):
    """One operator on integers themselves."""
    graph = Graph()
    graph.node(op, ["x"], "y", **attributes)
    graph.save(folder, image(random_of(folder.name), shape, kind), kind, None)


PAD1 = {"pads": [1, 1, 1, 1]}
K3, ROW = (3, 3), (1, 7)
SHAPES = {
    "1x1": dict(shape=(1, 8, 6, 5), filters=12, kernel=(1, 1)),
    "1x1_stride": dict(shape=(1, 16, 7, 7), filters=8, kernel=(1, 1), strides=[2, 2]),
    "3x3": dict(shape=(1, 5, 8, 9), filters=7, kernel=K3, **PAD1),
    "3x3_valid": dict(shape=(2, 3, 7, 6), filters=4, kernel=K3),
    "3x3_stride": dict(shape=(1, 6, 9, 9), filters=10, kernel=K3, strides=[2, 2], **PAD1),
    "3x3_dilation": dict(shape=(1, 4, 11, 10), filters=6, kernel=K3, dilations=[2, 2]),
    "asymmetric": dict(shape=(1, 3, 8, 7), filters=5, kernel=(3, 2), pads=[0, 1, 2, 0]),
    "mixed": dict(
        shape=(2, 4, 10, 9), filters=6, kernel=(2, 3), strides=[1, 2], dilations=[3, 1],
        pads=[2, 0, 1, 2],
    ),
    "7x7": dict(shape=(1, 3, 17, 16), filters=8, kernel=(7, 7), strides=[2, 2], pads=[3, 3, 3, 3]),
    "row": dict(shape=(1, 6, 5, 12), filters=6, kernel=ROW, pads=[0, 3, 0, 3]),
    "whole": dict(shape=(3, 8, 4, 4), filters=9, kernel=(4, 4)),
    "wide": dict(shape=(1, 70, 5, 5), filters=67, kernel=K3, **PAD1),
    "groups": dict(shape=(1, 8, 7, 7), filters=12, kernel=K3, group=4, **PAD1),
    "groups_stride": dict(shape=(2, 6, 8, 8), filters=6, kernel=K3, group=2, strides=[2, 1]),
    "depthwise": dict(shape=(1, 16, 8, 8), filters=16, kernel=K3, group=16, **PAD1),
    "depthwise_stride": dict(
        shape=(1, 9, 9, 8), filters=9, kernel=K3, group=9, strides=[2, 2], **PAD1
    ),
    "depthwise_5x5": dict(
        shape=(1, 8, 10, 10), filters=8, kernel=(5, 5), group=8, pads=[2, 2, 2, 2]
    ),
    "depthwise_twice": dict(shape=(1, 4, 7, 7), filters=8, kernel=K3, group=4, **PAD1),
    "same_upper": dict(
        shape=(1, 4, 8, 7), filters=5, kernel=(2, 3), strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "same_lower": dict(
        shape=(1, 4, 8, 7), filters=5, kernel=(2, 3), strides=[2, 2], auto_pad="SAME_LOWER"
    ),
}
for shape_name, options in SHAPES.items():
    case("a", f"conv_{shape_name}", conv, **options)
for shape_name in ("1x1", "3x3", "3x3_stride", "depthwise", "groups", "asymmetric"):
    case("a", f"conv_{shape_name}_relu", conv, relu="relu", **SHAPES[shape_name])
    case("a", f"conv_{shape_name}_clip", conv, relu=3.0, **SHAPES[shape_name])
    case("a", f"qlinear_conv_{shape_name}", conv, qlinear=True, **SHAPES[shape_name])
case("a", "conv_no_bias", conv, bias=False, **SHAPES["3x3"])
case("a", "conv_per_tensor", conv, per_channel=False, **SHAPES["3x3"])
case("a", "conv_y_zero", conv, y_zero=7, **SHAPES["3x3"])
case("a", "conv_u8_weights", conv, per_channel=False, w_kind=U8, w_zero=121, **SHAPES["3x3"])
case("a", "conv_u8_depthwise", conv, per_channel=False, w_kind=U8, w_zero=121, **SHAPES["depthwise"])
case("a", "conv_s8_zero", conv, per_channel=False, w_zero=-5, **SHAPES["3x3"])
case("a", "qlinear_conv_s8", conv, qlinear=True, x_kind=S8, y_kind=S8, **SHAPES["3x3"])
case("a", "qlinear_conv_s8_depthwise", conv, qlinear=True, x_kind=S8, y_kind=S8, **SHAPES["depthwise"])
case("a", "qlinear_conv_no_bias", conv, qlinear=True, bias=False, **SHAPES["3x3"])
case("a", "conv_integer_plain", conv_integer, shape=(1, 4, 7, 6), filters=5, kernel=K3)
case("a", "conv_integer_zero", conv_integer, shape=(2, 4, 7, 6), filters=5, kernel=K3, x_zero=99, **PAD1)
case("a", "conv_integer_zeros", conv_integer, shape=(1, 4, 7, 6), filters=5, kernel=K3, x_zero=99,
     w_zero=-7, strides=[2, 1])

for name in ("Add", "Mul"):
    for tail, relu in (("", False), ("_relu", True)):
        low = name.lower() + tail
        case("b", f"{low}_tensor", between, op=name, second=(2, 4, 9, 8), relu=relu)
        case("b", f"{low}_itself", between, op=name, second="x", relu=relu)
        case("b", f"{low}_channel", between, op=name, second=(4, 1, 1), relu=relu)
    case("b", f"{name.lower()}_s8", between, op=name, second=(9, 1), kind=S8, y_kind=S8)
    case("b", f"{name.lower()}_scalar", between, op=name, second=(1,), y_scale=0.02)
LEAKY = {"op": "LeakyRelu", "alpha": 0.07}
case("b", "relu", between, op="Relu")
case("b", "relu_zero", between, op="Relu", y_zero=0)
case("b", "relu_same", between, op="Relu", same=True)
case("b", "relu_s8", between, op="Relu", kind=S8, y_kind=S8)
case("b", "leaky_relu", between, **LEAKY)
case("b", "leaky_relu_s8", between, kind=S8, y_kind=S8, **LEAKY)
case("b", "clip", between, op="Clip", constants=(F32(-0.7), F32(1.3)))
case("b", "clip_6", between, op="Clip", constants=(F32(0), F32(6)), y_zero=0, y_scale=6 / 255)
case("b", "requantise", between, op="Identity")
case("b", "requantise_u8_s8", between, op="Identity", y_kind=S8)
MAX = {"op": "MaxPool", "kernel_shape": [3, 3]}
case("b", "max_pool", between, **MAX)
case("b", "max_pool_same", between, same=True, **MAX)
case("b", "max_pool_pads", between, strides=[2, 2], pads=[1, 0, 1, 2], **MAX)
case("b", "max_pool_ceil", between, strides=[2, 2], ceil_mode=1, **MAX)
case("b", "max_pool_dilation", between, dilations=[2, 3], **MAX)
case("b", "max_pool_same_upper", between, strides=[2, 2], auto_pad="SAME_UPPER", **MAX)
case("b", "max_pool_u8", plain, op="MaxPool", shape=(1, 3, 8, 7), kernel_shape=[2, 2], strides=[2, 2])
case("b", "max_pool_s8", plain, op="MaxPool", shape=(1, 3, 8, 7), kind=S8, kernel_shape=[3, 2])
case("b", "concat_channel", between, op="Concat", second=(2, 3, 9, 8), axis=1)
case("b", "concat_itself", between, op="Concat", second="x", axis=-1)
case("b", "transpose", between, op="Transpose", perm=[0, 2, 3, 1])
case("b", "transpose_same", between, op="Transpose", perm=[0, 3, 1, 2], same=True)
case("b", "flatten", between, op="Flatten")
case("b", "reshape", between, op="Reshape", constants=(np.array([2, -1, 6], np.int64),))
case("b", "unsqueeze", between, op="Unsqueeze", constants=(np.array([1], np.int64),))
case("b", "squeeze", between, op="Squeeze", shape=(2, 4, 1, 8), constants=(np.array([2], np.int64),))
PADS = np.array([0, 0, 1, 2, 0, 0, 1, 0], np.int64)
case("b", "pad_zero", between, op="Pad", constants=(PADS,))
case("b", "pad_value", between, op="Pad", constants=(PADS, F32(0.5)))

# Left out: ceil_mode with count_include_pad, where ONNX Runtime's own levels differ (QLinearAveragePool
# counts what ceil_mode adds, AveragePool does not).
AVERAGE = {"op": "AveragePool", "kernel_shape": [3, 3]}
for opset in (13, 19):
    case("c", f"average_pool_{opset}", between, opset=opset, **AVERAGE)
    case("c", f"average_pool_pads_{opset}", between, opset=opset, pads=[1, 0, 1, 2], **AVERAGE)
    case("c", f"average_pool_count_{opset}", between, opset=opset, pads=[1, 0, 1, 2],
         count_include_pad=1, **AVERAGE)
    case("c", f"average_pool_ceil_{opset}", between, opset=opset, strides=[2, 2], pads=[1, 1, 0, 0],
         ceil_mode=1, **AVERAGE)
case("c", "average_pool_same", between, same=True, strides=[2, 2], **AVERAGE)
case("c", "average_pool_s8", between, kind=S8, y_kind=S8, **AVERAGE)
case("c", "global_average_pool", between, op="GlobalAveragePool", y_scale=0.006)
case("c", "global_average_pool_large", between, op="GlobalAveragePool", shape=(1, 8, 31, 33), y_scale=0.003)
case("c", "sigmoid", between, op="Sigmoid", y_scale=1 / 256, y_zero=0)
case("c", "sigmoid_s8", between, op="Sigmoid", y_scale=1 / 256, kind=S8, y_kind=S8, y_zero=0)
case("c", "tanh", between, op="Tanh", y_scale=1 / 128, y_zero=128)
case("c", "tanh_s8", between, op="Tanh", y_scale=1 / 128, kind=S8, y_kind=S8, y_zero=128)
case("c", "softmax", between, op="Softmax", shape=(6, 10), y_scale=1 / 256, y_zero=0, axis=-1)
