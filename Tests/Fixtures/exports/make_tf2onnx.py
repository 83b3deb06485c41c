"""make_tf2onnx.py FOLDER: exports small Keras networks to ONNX with tf2onnx, and keeps the graphs without their weights, as make.py does.

Needs tensorflow-cpu and keras of scripts/test-requirements.txt, and tf2onnx (1.17.0 made what is kept here). tf2onnx leaves images in NHWC: a Transpose at the
input, one before each reshape that needs the order itself. It spells batch normalisation as a product and a sum, of which it merges with a convolution what it can.
"""
import gzip
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy
import onnx
import tensorflow as tf
import tf2onnx
from keras import layers

from stripping import strip


def normalized(x, activation=None):
    x = layers.BatchNormalization()(x)
    return activation(x) if activation else x


def cnn():
    """SAME padding with strides, pooling, transposed convolution, resizing, and what follows a flatten."""
    image = x = keras.Input((32, 32, 3), name="image")
    x = normalized(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x), layers.ReLU(6.0))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(24, 3, strides=2)(x))
    x = layers.Concatenate()([layers.MaxPooling2D(3, strides=2, padding="same")(x), layers.AveragePooling2D(3, strides=2, padding="same")(x)])
    x = layers.Activation(lambda x: keras.activations.gelu(x, approximate=True))(layers.Conv2DTranspose(16, 3, strides=2, padding="same")(x))
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="hard_swish")(x)
    x = layers.Dense(20)(layers.Flatten()(x))
    x = layers.Dropout(0.2)(layers.LayerNormalization()(x))
    return keras.Model(image, layers.Dense(5)(x))


def mobile():
    """Inverted residuals with depthwise convolutions, squeeze and excitation, as in Keras' MobileNets and EfficientNets."""
    image = x = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = normalized(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x), layers.Activation("swish"))
    for stride, width in [(1, 8), (2, 12)]:
        y = normalized(layers.Conv2D(3 * x.shape[-1], 1, use_bias=False)(x), layers.Activation("swish"))
        if stride == 2:
            y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
        y = layers.DepthwiseConv2D(3, strides=stride, padding="same" if stride == 1 else "valid", use_bias=False)(y)
        y = normalized(y, layers.Activation("swish"))
        s = layers.Reshape((1, 1, y.shape[-1]))(layers.GlobalAveragePooling2D()(y))
        s = layers.Conv2D(y.shape[-1], 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="swish")(s))
        y = normalized(layers.Conv2D(width, 1, use_bias=False)(layers.Multiply()([y, s])))
        x = layers.Add()([x, y]) if stride == 1 else y
    x = layers.GlobalAveragePooling2D()(normalized(layers.Conv2D(24, 1, use_bias=False)(x), layers.ReLU()))
    return keras.Model(image, layers.Dense(5)(layers.Dropout(0.2)(x)))


class Positions(layers.Layer):
    """Adds a trained vector to each place."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], initializer="normal", name="table")

    def call(self, x):
        return x + self.table


def encoder():
    """Tokens: an embedding with positions, attention, a layer of Keras' own GELU in its form with tanh."""
    ids = keras.Input((10,), dtype="int32", name="ids")
    x = layers.Embedding(97, 16)(ids)
    x = layers.LayerNormalization(epsilon=1e-6)(Positions()(x))
    for _ in range(2):
        x = layers.LayerNormalization(epsilon=1e-6)(x + layers.MultiHeadAttention(4, 4)(x, x))
        y = layers.Dense(32, activation=lambda x: keras.activations.gelu(x, approximate=True))(x)
        x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dense(16)(y))
    return keras.Model(ids, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


def settle(model):
    """Normalisations and biases as after training: nothing that a converter could leave out."""
    generator = numpy.random.default_rng(3)
    for variable in model.weights:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "bias", "moving_mean"):
            variable.assign(generator.normal(0, 0.3, variable.shape))


def main(folder):
    for name, make, opsets, nchw in [
        ("keras_cnn", cnn, [11, 13, 18], False), ("keras_mobile", mobile, [12, 17], False), ("keras_mobile_nchw", mobile, [15], True), ("keras_encoder", encoder, [15], False),
    ]:
        keras.utils.set_random_seed(1)
        model = make()
        settle(model)
        value = model.inputs[0]
        signature = [tf.TensorSpec((None, *value.shape[1:]), value.dtype, name=value.name)]
        function = tf.function(lambda x: {"scores": model(x, training=False)}, input_signature=signature)
        for opset in opsets:
            proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=opset, inputs_as_nchw=[f"{value.name}:0"] if nchw else None)
            # tf2onnx numbers the batch dimension as it comes.
            proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
            strip(proto)
            path = os.path.join(folder, f"{name}-tf2onnx{opset}.onnx.gz")
            with open(path, "wb") as file:
                file.write(gzip.compress(proto.SerializeToString(), 9, mtime=0))
            print(f"{name}-tf2onnx{opset}: {len(proto.graph.node)} nodes, {os.path.getsize(path)} bytes", flush=True)


main(sys.argv[1])
