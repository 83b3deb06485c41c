"""tensorflow_variants.py FOLDER: one small frozen graph for each operator and form of it, with inputs and what TensorFlow makes of them, listed as JSON."""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

random = numpy.random.default_rng(3)


def constant(*shape, low=-1.0, high=1.0):
    return tf.constant(random.uniform(low, high, shape).astype(numpy.float32))


IMAGE = (7, 6, 4)
ROWS = (12,)
# Name, function of tensors, shapes of one sample.
VARIANTS = [
    ("conv same stride 2", lambda x: tf.nn.conv2d(x, constant(3, 3, 4, 5), 2, "SAME"), [IMAGE]),
    ("conv valid", lambda x: tf.nn.conv2d(x, constant(3, 2, 4, 5), [1, 2], "VALID"), [IMAGE]),
    ("conv explicit", lambda x: tf.nn.conv2d(x, constant(3, 3, 4, 5), 2, [[0, 0], [2, 1], [0, 1], [0, 0]]), [IMAGE]),
    ("conv dilated", lambda x: tf.nn.conv2d(x, constant(3, 3, 4, 5), 1, "SAME", dilations=2), [IMAGE]),
    ("conv dilated by space to batch", lambda x: tf.batch_to_space(tf.nn.conv2d(tf.space_to_batch(x, [2, 2], [[2, 3], [2, 2]]), constant(3, 3, 4, 5), 1, "VALID"), [2, 2], [[0, 1], [0, 0]]), [IMAGE]),
    ("conv grouped", lambda x: tf.nn.conv2d(x, constant(3, 3, 2, 6), 1, "SAME"), [IMAGE]),
    ("conv with bias", lambda x: tf.nn.bias_add(tf.nn.conv2d(x, constant(1, 1, 4, 5), 1, "SAME"), constant(5)), [IMAGE]),
    ("conv with added bias", lambda x: tf.nn.conv2d(x, constant(1, 1, 4, 5), 1, "SAME") + constant(5), [IMAGE]),
    ("depthwise", lambda x: tf.nn.depthwise_conv2d(x, constant(3, 3, 4, 1), [1, 2, 2, 1], "SAME"), [IMAGE]),
    ("depthwise multiplier", lambda x: tf.nn.depthwise_conv2d(x, constant(3, 3, 4, 3), [1, 1, 1, 1], "VALID"), [IMAGE]),
    ("transposed same", lambda x: tf.nn.conv2d_transpose(x, constant(3, 3, 5, 4), [tf.shape(x)[0], 14, 12, 5], 2, "SAME"), [IMAGE]),
    ("transposed valid", lambda x: tf.nn.conv2d_transpose(x, constant(3, 3, 5, 4), [tf.shape(x)[0], 16, 13, 5], 2, "VALID"), [IMAGE]),
    ("max pool same", lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), [IMAGE]),
    ("max pool valid", lambda x: tf.nn.max_pool2d(x, [2, 3], 1, "VALID"), [IMAGE]),
    ("max pool explicit", lambda x: tf.nn.max_pool2d(x, 3, 2, [[0, 0], [1, 0], [1, 1], [0, 0]]), [IMAGE]),
    ("average pool same", lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), [IMAGE]),
    ("average pool valid", lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"), [IMAGE]),
    ("pad before conv", lambda x: tf.nn.conv2d(tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), constant(3, 3, 4, 5), 2, "VALID"), [IMAGE]),
    ("pad with a number", lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], constant_values=0.5), [IMAGE]),
    ("pad mirrored", lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]], "REFLECT"), [IMAGE]),
    ("mean over space", lambda x: tf.reduce_mean(x, [1, 2]), [IMAGE]),
    ("mean over space kept", lambda x: tf.reduce_mean(x, [1, 2], keepdims=True), [IMAGE]),
    ("mean over channels", lambda x: tf.reduce_mean(x, 3), [IMAGE]),
    ("sum over rows", lambda x: tf.reduce_sum(x, 1), [IMAGE]),
    ("max over space", lambda x: tf.reduce_max(x, [1, 2]), [IMAGE]),
    ("min over rows of columns", lambda x: tf.reduce_min(x, [2], keepdims=True), [IMAGE]),
    ("fused batch norm", lambda x: tf.compat.v1.nn.fused_batch_norm(x, constant(4, low=0.5), constant(4), constant(4), constant(4, low=0.5, high=2), is_training=False)[0], [IMAGE]),
    ("batch norm in steps", lambda x: tf.nn.batch_normalization(x, constant(4), constant(4, low=0.5, high=2), constant(4), constant(4, low=0.5), 1e-3), [IMAGE]),
    ("batch norm of rows", lambda x: tf.nn.batch_normalization(x, constant(12), constant(12, low=0.5, high=2), constant(12), None, 1e-3), [ROWS]),
    ("relus", lambda x: tf.nn.relu(x) + tf.nn.relu6(x * 9) + tf.nn.leaky_relu(x, 0.3), [IMAGE]),
    ("exponential units", lambda x: tf.nn.elu(x) + tf.nn.selu(x), [IMAGE]),
    ("smooth activations", lambda x: tf.sigmoid(x) + tf.tanh(x) * tf.nn.softplus(x) - tf.nn.softsign(x), [IMAGE]),
    ("swish", lambda x: tf.nn.silu(x), [IMAGE]),
    ("hard swish", lambda x: x * tf.nn.relu6(x * 4 + 3) * (1 / 6), [IMAGE]),
    ("gelu", lambda x: tf.nn.gelu(x), [ROWS]),
    ("gelu by tanh", lambda x: tf.nn.gelu(x, approximate=True), [ROWS]),
    ("softmax", lambda x: tf.nn.softmax(x), [ROWS]),
    ("softmax of an image", lambda x: tf.nn.softmax(x), [IMAGE]),
    ("log softmax", lambda x: tf.nn.log_softmax(x), [ROWS]),
    ("functions", lambda x: tf.exp(x) + tf.abs(x) + tf.square(x) - tf.math.erf(x) * tf.math.rsqrt(tf.abs(x) + 1) + tf.sqrt(tf.abs(x)) + tf.math.log(tf.abs(x) + 1), [IMAGE]),
    ("broadcast channels", lambda x: x * constant(4) - constant(1, 6, 4) + tf.maximum(x, constant(7, 1, 1)), [IMAGE]),
    ("two images", lambda x, y: tf.minimum(x - y, x / (tf.abs(y) + 1)) + tf.math.squared_difference(x, y), [IMAGE, IMAGE]),
    ("add n", lambda x, y: tf.add_n([x, y, x]), [IMAGE, IMAGE]),
    ("gate of a pixel", lambda x: x * tf.reshape(tf.reduce_mean(x, [1, 2]), [-1, 1, 1, 4]), [IMAGE]),
    ("concatenated channels", lambda x, y: tf.concat([x, y], 3), [IMAGE, IMAGE]),
    ("concatenated rows", lambda x, y: tf.concat([x, y], 1), [IMAGE, IMAGE]),
    ("dense", lambda x: tf.matmul(x, constant(12, 5)) + constant(5), [ROWS]),
    ("dense transposed", lambda x: tf.nn.bias_add(tf.matmul(x, constant(5, 12), transpose_b=True), constant(5)), [ROWS]),
    ("flatten and dense", lambda x: tf.matmul(tf.reshape(x, [-1, 168]), constant(168, 5)), [IMAGE]),
    ("flatten and activate and dense", lambda x: tf.matmul(tf.nn.relu(tf.reshape(x, [-1, 168]) * constant(168)), constant(168, 5)), [IMAGE]),
    ("flatten alone", lambda x: tf.reshape(x, [-1, 168]), [IMAGE]),
    ("rows to an image", lambda x: tf.nn.conv2d(tf.reshape(x, [-1, 2, 3, 2]), constant(2, 2, 2, 3), 1, "SAME"), [ROWS]),
    ("patches", lambda x: tf.matmul(tf.reshape(x, [-1, 42, 4]), constant(4, 3)), [IMAGE]),
    ("products of patches", lambda x: tf.matmul(tf.reshape(x, [-1, 42, 4]), tf.reshape(x, [-1, 42, 4]), transpose_a=True), [IMAGE]),
    ("einsum", lambda x: tf.einsum("abc,cde->abde", tf.reshape(x, [-1, 42, 4]), constant(4, 2, 3)), [IMAGE]),
    ("einsum of attention", lambda x: tf.einsum("aecd,abcd->acbe", tf.reshape(x, [-1, 6, 4, 7]), tf.reshape(x, [-1, 6, 4, 7])), [IMAGE]),
    ("transposed", lambda x: tf.transpose(x, [0, 3, 1, 2]), [IMAGE]),
    ("rows and columns changed", lambda x: tf.transpose(x, [0, 2, 1, 3]), [IMAGE]),
    ("squeezed", lambda x: tf.squeeze(tf.reduce_mean(x, [1, 2], keepdims=True), [1, 2]), [IMAGE]),
    ("expanded", lambda x: tf.nn.conv2d(tf.expand_dims(tf.expand_dims(x, 1), 1), constant(1, 1, 12, 3), 1, "SAME"), [ROWS]),
    ("cropped", lambda x: x[:, 1:-1, ::2, :], [IMAGE]),
    ("one row", lambda x: x[:, 2], [IMAGE]),
    ("slice", lambda x: tf.slice(x, [0, 1, 0, 2], [-1, 3, 6, 2]), [IMAGE]),
    ("split channels", lambda x: tf.concat(list(reversed(tf.split(x, 2, 3))), 3), [IMAGE]),
    ("split by sizes", lambda x: tf.split(x, [3, 4, 5], 1)[1] * 2.0, [ROWS]),
    ("unstacked and stacked", lambda x: tf.stack(tf.unstack(tf.reshape(x, [-1, 3, 4]), axis=1), axis=2), [ROWS]),
    ("tiled", lambda x: tf.tile(x, [1, 2, 1, 3]), [IMAGE]),
    ("gathered", lambda x: tf.gather(x, [3, 1, 1], axis=1), [ROWS]),
    ("depth to space", lambda x: tf.nn.depth_to_space(x, 2), [IMAGE]),
    ("space to depth", lambda x: tf.nn.space_to_depth(x[:, :6], 2), [IMAGE]),
    ("resize bilinear", lambda x: tf.image.resize(x, [10, 9]), [IMAGE]),
    ("resize bilinear aligned", lambda x: tf.compat.v1.image.resize_bilinear(x, [10, 9], align_corners=True), [IMAGE]),
    ("resize bilinear of old", lambda x: tf.compat.v1.image.resize_bilinear(x, [14, 12]), [IMAGE]),
    ("resize nearest", lambda x: tf.image.resize(x, [14, 18], method="nearest"), [IMAGE]),
    ("resize nearest aligned", lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, [13, 11], align_corners=True), [IMAGE]),
    ("resize nearest of old", lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, [14, 9]), [IMAGE]),
    ("selected", lambda x: tf.where(x > 0.1, x, constant(4)), [IMAGE]),
    ("layer norm", lambda x: layer_norm(tf.reshape(x, [-1, 42, 4])), [IMAGE]),
    ("local functions", lambda x: tf.function(lambda y: tf.nn.relu(y) * 2.0)(x) + 1.0, [IMAGE]),
    ("fake quantized", lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -1.0, 1.9), [IMAGE]),
    ("fake quantized from zero", lambda x: tf.quantization.fake_quant_with_min_max_vars(tf.nn.relu(x), 0.0, 1.7, num_bits=4), [IMAGE]),
    ("fake quantized channels", lambda x: tf.quantization.fake_quant_with_min_max_vars_per_channel(x, [-1.0, 0.0, -0.3, -2.0], [1.0, 1.5, 0.9, 0.5]), [IMAGE]),
    ("fake quantized filter", lambda x: tf.nn.conv2d(x, tf.quantization.fake_quant_with_min_max_vars_per_channel(constant(3, 3, 4, 2), [-0.8, -0.9], [0.8, 0.9], narrow_range=True), 1, "SAME"), [IMAGE]),
    ("fake quantized matrix", lambda x: tf.matmul(x, tf.quantization.fake_quant_with_min_max_vars(constant(12, 5), -0.7, 0.7, narrow_range=True)), [ROWS]),
]


def layer_norm(x):
    mean, variance = tf.nn.moments(x, [2], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, constant(4), constant(4, low=0.5), 1e-3)


def main():
    folder = sys.argv[1]
    listing = []
    for index, (name, function, shapes) in enumerate(VARIANTS):
        specs = [tf.TensorSpec((None,) + shape, tf.float32, name=f"x{place}") for place, shape in enumerate(shapes)]
        frozen = convert_variables_to_constants_v2(tf.function(lambda *inputs: tf.identity(function(*inputs))).get_concrete_function(*specs))
        path = os.path.join(folder, f"{index}.pb")
        with open(path, "wb") as file:
            file.write(frozen.graph.as_graph_def().SerializeToString())
        inputs = [random.normal(0, 1, (3,) + shape).astype(numpy.float32) for shape in shapes]
        result = frozen(*[tf.constant(value) for value in inputs])
        result = result[0] if isinstance(result, (list, tuple)) else result

        def write(kind, array):
            target = os.path.join(folder, f"{index}.{kind}.bin")
            numpy.ascontiguousarray(array, dtype=numpy.float32).tofile(target)
            return {"file": target, "shape": list(array.shape)}

        listing.append({
            "name": name, "model": path, "inputs": {f"x{place}": write(f"x{place}", value) for place, value in enumerate(inputs)},
            "output": write("y", result.numpy()),
        })
    print(json.dumps(listing))


main()
