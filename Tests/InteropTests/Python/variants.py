"""The operators, opsets and attributes that operator_variants.py compares. Batches are of two; the first dimension of every input is the batch."""
import numpy

VARIANTS = []


class Ints(list):
    """A constant of int64."""


def add(op, opsets, *inputs, constants=(), domain=(-2, 2), **attributes):
    VARIANTS.append({"op": op, "opsets": list(opsets), "inputs": list(inputs), "constants": list(constants), "domain": domain, "attributes": attributes})


IMAGE = (2, 3, 4, 5)

# Functions of one number.
for op, opsets, domain in [
    ("Exp", [7, 13], (-2, 2)), ("Log", [7, 13], (0.1, 5)), ("Sqrt", [7, 13], (0.1, 5)), ("Reciprocal", [7, 13], (0.3, 3)), ("Neg", [7, 13], (-2, 2)),
    ("Abs", [7, 13], (-2, 2)), ("Tanh", [7, 13], (-3, 3)), ("Erf", [9, 13], (-3, 3)), ("Sigmoid", [7, 13], (-5, 5)), ("Relu", [7, 13, 14], (-2, 2)),
    ("Softplus", [7, 22], (-9, 9)), ("Softsign", [7, 22], (-9, 9)), ("HardSwish", [14, 22], (-5, 5)), ("Mish", [18, 22], (-5, 5)),
    ("Elu", [7, 22], (-3, 3)), ("Selu", [7, 22], (-3, 3)), ("ThresholdedRelu", [10, 22], (-3, 3)), ("HardSigmoid", [7, 22], (-5, 5)),
    ("LeakyRelu", [7, 16], (-3, 3)), ("Gelu", [20], (-5, 5)), ("Celu", [12], (-3, 3)),
]:
    add(op, opsets, IMAGE, domain=domain)
    add(op, opsets[-1:], (2, 7), domain=domain)
add("Elu", [7, 22], IMAGE, alpha=0.3)
add("Selu", [7, 22], IMAGE, alpha=1.5, gamma=0.7)
add("Celu", [12], IMAGE, alpha=2.5)
add("ThresholdedRelu", [10, 22], IMAGE, alpha=0.4)
add("HardSigmoid", [7, 22], IMAGE, alpha=1 / 6, beta=0.5, domain=(-5, 5))
add("LeakyRelu", [7, 16], IMAGE, alpha=0.2)
add("Gelu", [20], IMAGE, approximate="tanh", domain=(-5, 5))
add("Clip", [7], IMAGE, min=-0.5, max=1.0)
add("Clip", [7], IMAGE, max=1.0)
add("Clip", [11, 13], IMAGE, constants=[-0.5, 1.0])
add("Clip", [11, 13], IMAGE, constants=[None, 1.0])
add("Clip", [11, 13], IMAGE, constants=[-0.25])

for op, opsets, domain in [
    ("Sin", [7, 22], (-9, 9)), ("Cos", [7, 22], (-9, 9)), ("Floor", [7, 13], (-3, 3)), ("Ceil", [7, 13], (-3, 3)), ("Round", [11, 22], (-3, 3)),
    ("Sign", [9, 13], (-1, 1)),
]:
    add(op, opsets, IMAGE, domain=domain)
add("Mod", [10, 13], IMAGE, (2, 1, 4, 1), fmod=1, domain=(0.5, 3))
add("Mod", [13], IMAGE, constants=[[0.7, -0.3, 1.1, 2.0, 0.9]], fmod=1)

# Arithmetic with broadcasting. A constant second operand becomes part of a sum or product.
for op, opsets in [("Add", [7, 14]), ("Sub", [7, 14]), ("Mul", [7, 14]), ("Div", [7, 14]), ("Pow", [7, 12, 15])]:
    domain = (0.3, 2) if op in ("Div", "Pow") else (-2, 2)
    add(op, opsets, IMAGE, IMAGE, domain=domain)
    add(op, opsets[-1:], IMAGE, (2, 3, 1, 1), domain=domain)
    add(op, opsets[-1:], (2, 1, 4, 1), (2, 3, 1, 5), domain=domain)
    add(op, opsets, IMAGE, constants=[[[[0.5]], [[1.5]], [[2.0]]]], domain=domain)
    add(op, opsets[-1:], IMAGE, constants=[3.0])
add("Pow", [12, 15], IMAGE, constants=[Ints([2])])
for op in ["Max", "Min", "Mean", "Sum"]:
    opsets = [8, 13]
    add(op, opsets, IMAGE)
    add(op, opsets, IMAGE, IMAGE, (2, 3, 1, 1))
    add(op, opsets, IMAGE, constants=[[0.1, 0.2, 0.3, 0.4, 0.5]])
add("PRelu", [7, 9, 16], IMAGE, constants=[[[[0.1]], [[0.2]], [[-0.3]]]])
add("PRelu", [16], IMAGE, constants=[[0.25]])

# Reductions: axes as attributes, then as an input.
for op in ["ReduceMean", "ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]:
    domain = (0.1, 2) if op == "ReduceLogSum" else (-2, 2)
    since = 13 if op == "ReduceSum" else 18
    for axes, keepdims in [([1], 1), ([2, 3], 0), ([-1], 1), ([1, -2], 0)]:
        add(op, [7, 11], IMAGE, axes=axes, keepdims=keepdims, domain=domain)
        add(op, [since], IMAGE, constants=[Ints(axes)], keepdims=keepdims, domain=domain)
    if op in ("ReduceSum", "ReduceMean", "ReduceMax"):
        add(op, [18], IMAGE, noop_with_empty_axes=1)

for op in ["Softmax", "LogSoftmax"]:
    for axis in [1, 2, -1]:
        add(op, [7, 11, 13], IMAGE, axis=axis)
    add(op, [7, 11, 13], IMAGE)
    add(op, [11, 13], (2, 6))

# Normalisations.
SCALE = [0.5, 1.5, -1.0, 2.0, 0.25]
BIAS = [0.1, -0.2, 0.3, 0.4, 0.5]
add("LayerNormalization", [17], IMAGE, constants=[SCALE, BIAS])
add("LayerNormalization", [17], IMAGE, constants=[SCALE], epsilon=0.1)
add("LayerNormalization", [17], IMAGE, constants=[[SCALE] * 4, [BIAS] * 4], axis=2)
add("LayerNormalization", [17], IMAGE, constants=[[[SCALE] * 4] * 3, [[BIAS] * 4] * 3], axis=-3)
for shape in [IMAGE, (2, 3, 7)]:
    add("InstanceNormalization", [7, 22], shape, constants=[SCALE[:3], BIAS[:3]], epsilon=1e-3)
add("GroupNormalization", [18], (2, 6, 4, 5), constants=[SCALE[:2], BIAS[:2]], num_groups=2)
add("GroupNormalization", [18], (2, 6, 4, 5), constants=[(SCALE + BIAS)[:6], (BIAS + SCALE)[:6]], num_groups=6)
add("GroupNormalization", [21], (2, 6, 4, 5), constants=[(SCALE + BIAS)[:6], (BIAS + SCALE)[:6]], num_groups=3)
for size in [1, 3, 5]:
    add("LRN", [7, 13], (2, 6, 4, 5), size=size, alpha=0.3, beta=0.75, bias=1.5)
add("LRN", [13], (2, 6, 4, 5), size=5)

add("RMSNormalization", [23], IMAGE, constants=[SCALE])
add("RMSNormalization", [23], IMAGE, constants=[[SCALE] * 4], axis=2, epsilon=0.1)
add("RMSNormalization", [23], IMAGE, constants=[[[SCALE] * 4] * 3], axis=-3)

# Attention of heads and of tokens, with shared heads, masks and scales.
HEADS, TOKENS = (2, 4, 3, 8), (2, 5, 12)
add("Attention", [23], HEADS, (2, 4, 6, 8), (2, 4, 6, 5))
add("Attention", [23], HEADS, (2, 2, 6, 8), (2, 2, 6, 5), scale=0.3)
add("Attention", [23], HEADS, HEADS, HEADS, is_causal=1)
add("Attention", [23], HEADS, HEADS, HEADS, softcap=2.0)
add("Attention", [23], HEADS, HEADS, HEADS, constants=[[[0.0, -1.0, 2.0], [1.0, 0.5, 0.0], [0.0, -3.0, 0.0]]])
add("Attention", [23], TOKENS, TOKENS, TOKENS, q_num_heads=3, kv_num_heads=3)
add("Attention", [23], TOKENS, (2, 5, 4), (2, 5, 4), q_num_heads=3, kv_num_heads=1, is_causal=1)

for equation, shapes in [
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]), ("bhij , bhjd -> bhid", [(2, 3, 4, 5), (2, 3, 5, 6)]),
    ("bi,bj->bij", [(2, 3), (2, 4)]), ("b...i,b...i->b...", [(2, 3, 4), (2, 3, 4)]), ("bij->bji", [(2, 3, 4)]), ("bii->bi", [(2, 3, 3)]),
    ("bij->b", [(2, 3, 4)]), ("bij,bkj,bkl->bil", [(2, 3, 4), (2, 5, 4), (2, 5, 6)]), ("...ij,...jk", [(2, 3, 4), (2, 4, 5)]), ("b...->b...", [(2, 3)]),
]:
    add("Einsum", [12], *shapes, equation=equation)
for equation, shape, weight in [("bij,jk->bik", (2, 3, 4), (4, 5)), ("bij,kj->bki", (2, 3, 4), (5, 4)), ("bijd,ihd->bijh", (2, 3, 4, 5), (3, 6, 5))]:
    add("Einsum", [12], shape, constants=[(numpy.arange(numpy.prod(weight)) % 7 / 3 - 1).reshape(weight).tolist()], equation=equation)

# Matrix products of any rank.
for a, b in [((2, 3), (2, 3, 4)), ((2, 5, 3), (2, 3, 4)), ((2, 4, 5, 3), (2, 4, 3, 6)), ((2, 1, 5, 3), (2, 4, 3, 6)), ((2, 3, 4), (2, 4, 3))]:
    add("MatMul", [7, 13], a, b)
for a, b in [((2, 3), (3, 4)), ((2, 5, 3), (3, 4)), ((2, 4, 5, 3), (3, 6)), ((2, 4, 5, 3), (4, 3, 6)), ((2, 3), (3,)), ((2, 5, 3), (3,)), ((2, 3), (5, 3, 4))]:
    add("MatMul", [9, 13], a, constants=[(numpy.arange(numpy.prod(b)) % 7 / 3 - 1).reshape(b).tolist()])


def ramp(*shape):
    return (numpy.arange(numpy.prod(shape)) * 7 % 11 / 5 - 1).reshape(shape).tolist()


# Windows over one to three dimensions.
SHAPES = {1: (2, 4, 9), 2: (2, 4, 7, 6), 3: (2, 4, 4, 5, 3)}
for rank, shape in SHAPES.items():
    kernel = [3, 2, 2][:rank]
    for pads in [None, [1] * rank + [0] * rank]:
        attributes = dict(strides=[2, 1, 1][:rank], dilations=[1, 2, 1][:rank], **({"pads": pads} if pads else {}))
        add("Conv", [7, 11, 22], shape, constants=[ramp(6, 2, *kernel), ramp(6)], group=2, **attributes)
        add("ConvTranspose", [7, 11, 22], shape, constants=[ramp(4, 3, *kernel), ramp(6)], group=2, **attributes)
        plain = dict(attributes, kernel_shape=kernel)
        pooling = {key: value for key, value in plain.items() if key != "dilations"}
        add("MaxPool", [8, 11], shape, **pooling)
        add("MaxPool", [10, 22], shape, **plain, ceil_mode=0)
        add("MaxPool", [10, 22], shape, **pooling, ceil_mode=1)
        add("AveragePool", [7, 11, 22], shape, **pooling)
        add("AveragePool", [7, 11, 22], shape, **pooling, count_include_pad=1)
        add("AveragePool", [10, 19], shape, **pooling, ceil_mode=1)
        if rank == 2:
            add("LpPool", [7, 18], shape, **pooling, p=3)
    for mode in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        add("Conv", [11], shape, constants=[ramp(6, 4, *kernel)], auto_pad=mode, strides=[2] * rank)
        add("ConvTranspose", [11], shape, constants=[ramp(4, 3, *kernel)], auto_pad=mode, strides=[2] * rank)
        add("MaxPool", [11], shape, kernel_shape=kernel, auto_pad=mode, strides=[2] * rank)
        add("AveragePool", [11], shape, kernel_shape=kernel, auto_pad=mode, strides=[2] * rank)
    for op in ["GlobalAveragePool", "GlobalMaxPool"]:
        add(op, [7, 22], shape)
    add("ConvTranspose", [11], shape, constants=[ramp(4, 3, *kernel), ramp(3)], strides=[2] * rank, output_padding=[1] * rank)
add("ConvTranspose", [11], SHAPES[2], constants=[ramp(4, 3, 3, 3)], strides=[2, 2], output_shape=[15, 14])
add("ConvTranspose", [11], SHAPES[2], constants=[ramp(4, 3, 3, 3)], strides=[2, 2], pads=[0, 1, 1, 0], output_padding=[1, 0], kernel_shape=[3, 3])
add("AveragePool", [19], SHAPES[2], kernel_shape=[2, 2], dilations=[2, 2])

# Changes of size. ONNX Runtime computes the opsets before 11 as asymmetric.
GRID = (2, 3, 4, 5)
add("Upsample", [7], GRID, scales=[1.0, 1.0, 2.0, 3.0], mode="nearest")
for mode in ["nearest", "linear"]:
    add("Upsample", [9], GRID, constants=[[1.0, 1.0, 2.0, 2.0]], mode=mode)
    add("Resize", [10], GRID, constants=[[1.0, 1.0, 2.0, 2.6]], mode=mode)
    for coordinates in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]:
        for scales in [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 0.5, 1.7], [1.0, 1.0, 1.0, 3.0]]:
            add("Resize", [13, 19], GRID, constants=[None, scales], mode=mode, coordinate_transformation_mode=coordinates)
        for sizes in [(7, 11), (3, 2), (8, 10)]:
            add("Resize", [18], GRID, constants=[None, None, Ints(sizes)], axes=[2, 3], mode=mode, coordinate_transformation_mode=coordinates)
for rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
    for coordinates in ["half_pixel", "asymmetric", "align_corners"]:
        add("Resize", [11, 13], GRID, constants=[[], [1.0, 1.0, 1.5, 2.4]], nearest_mode=rounding, coordinate_transformation_mode=coordinates)
add("Resize", [19], GRID, constants=[None, [1.0, 1.0, 1.3, 2.7]], mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
for exclude in [0, 1]:
    for coordinates in ["half_pixel", "align_corners", "asymmetric"]:
        add("Resize", [13], GRID, constants=[None, [1.0, 1.0, 2.0, 1.5]], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=exclude,
            coordinate_transformation_mode=coordinates)

for mode in ["linear", "cubic"]:
    for sizes in [(2, 3), (3, 2), (6, 2)]:
        add("Resize", [18], GRID, constants=[None, None, Ints(sizes)], axes=[2, 3], mode=mode, antialias=1)
        add("Resize", [19], GRID, constants=[None, None, Ints(sizes)], axes=[2, 3], mode=mode, antialias=1, coordinate_transformation_mode="align_corners")
for policy in ["not_larger", "not_smaller"]:
    for mode in ["nearest", "linear"]:
        for sizes in [(7, 11), (3, 2), (2, 9)]:
            add("Resize", [18, 19], GRID, constants=[None, None, Ints(sizes)], axes=[2, 3], mode=mode, keep_aspect_ratio_policy=policy)
for mode in ["nearest", "linear"]:
    add("Resize", [13, 19], GRID, constants=[[0.0, 0.0, 0.4, 0.2, 1.0, 1.0, 0.8, 1.4], None, Ints([2, 3, 3, 6])], mode=mode,
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0)

# Movements, whose settings went from attributes to inputs.
add("Slice", [7], IMAGE, starts=[1, -3], ends=[3, 99], axes=[1, 3])
add("Slice", [7], IMAGE, starts=[0, 1], ends=[2 ** 31 - 1, 2])
add("Slice", [10, 11, 13], IMAGE, constants=[Ints([1, -1]), Ints([3, -99]), Ints([1, 3]), Ints([1, -2])])
add("Slice", [10, 13], IMAGE, constants=[Ints([1]), Ints([2 ** 63 - 1]), Ints([-1])])
PADS = [0, 0, 1, 2, 0, 1, 3, 0]
for mode in ["constant", "edge", "reflect"]:
    add("Pad", [7], IMAGE, pads=PADS if mode != "reflect" else [0, 0, 1, 2, 0, 1, 2, 0], mode=mode)
    add("Pad", [11, 13, 18, 19, 21, 23], IMAGE, constants=[Ints(PADS if mode != "reflect" else [0, 0, 1, 2, 0, 1, 2, 0])], mode=mode)
add("Pad", [7], IMAGE, pads=PADS, value=0.5)
add("Pad", [11, 13, 18], IMAGE, constants=[Ints(PADS), 0.5])
add("Pad", [18, 21], IMAGE, constants=[Ints([1, 0, 2, 1]), None, Ints([-1, 1])])
add("Pad", [13], IMAGE, constants=[Ints([0, -1, 0, 0, 0, 0, -2, 1])])
add("Pad", [19, 21], IMAGE, constants=[Ints([0, 1, 2, 1, 0, 1, 0, 3])], mode="wrap")
add("Tile", [7, 13], IMAGE, constants=[Ints([1, 2, 1, 3])])
add("Expand", [8, 13], (2, 3, 1, 5), constants=[Ints([1, 1, 4, 1])])
add("Expand", [8, 13], (2, 1, 5), constants=[Ints([3, 1])])
add("DepthToSpace", [7, 11, 13], (2, 8, 3, 4), blocksize=2)
add("DepthToSpace", [11, 13], (2, 8, 3, 4), blocksize=2, mode="CRD")
add("SpaceToDepth", [7, 13], (2, 3, 4, 6), blocksize=2)
add("Trilu", [14], (2, 4, 5), upper=0)
add("Gather", [7, 11, 13], IMAGE, constants=[Ints([2, 0])], axis=1)
add("Gather", [11, 13], IMAGE, constants=[Ints([[-1, 0], [1, 1]])], axis=-1)
add("Squeeze", [7, 11], (2, 1, 4, 1), axes=[1, 3])
add("Squeeze", [13, 21], (2, 1, 4, 1), constants=[Ints([-1])])
add("Unsqueeze", [7, 11], (2, 3), axes=[1, 3])
add("Unsqueeze", [13, 21], (2, 3), constants=[Ints([-1])])
add("Transpose", [7, 13, 21], IMAGE, perm=[0, 2, 3, 1])
add("Concat", [7, 11, 13], IMAGE, (2, 2, 4, 5), axis=1)
add("Reshape", [7, 13, 14, 19], IMAGE, constants=[Ints([0, -1, 2])])
add("Flatten", [7, 9, 13], IMAGE, axis=2)
