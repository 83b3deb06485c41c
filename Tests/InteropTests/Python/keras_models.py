"""Keras models as TensorFlow freezes them.

keras_models.py NAME FOLDER [IMAGES]: builds the model NAME, freezes it into FOLDER/model.pb, and runs it on IMAGES random images. Writes what it reads in NHWC and what
it makes as raw float32 files and prints their names, files and shapes as JSON.
"""
import gzip
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras
import numpy
import tensorflow as tf
from keras import layers
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def sequential():
    """A Sequential model with Dropout and batch normalization, and a Flatten in front of a Dense layer."""
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dropout(0.2),
        layers.Conv2D(12, 3, padding="same"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(16, activation="relu"),
        layers.BatchNormalization(),
        layers.Dense(10),
    ])


def functional():
    """Branches, concatenation, a shared layer, two inputs, and most activations."""
    first = keras.Input((24, 24, 3), name="first")
    second = keras.Input((24, 24, 3), name="second")
    shared = layers.Conv2D(8, 3, strides=2, padding="same", name="shared")
    a, b = shared(first), shared(second)
    a = layers.BatchNormalization(scale=False)(a)
    b = layers.BatchNormalization(center=False)(b)
    a = layers.Activation("swish")(a)
    b = layers.ReLU(max_value=6)(b)
    joined = layers.Concatenate()([a, b])
    left = layers.SeparableConv2D(16, 3, padding="valid", activation="gelu")(joined)
    right = layers.Conv2D(16, 3, dilation_rate=2, padding="same", activation="elu")(joined)
    right = layers.Cropping2D(1)(right)
    grouped = layers.Conv2D(16, 3, groups=4, padding="same", activation="selu")(left)
    total = layers.Add()([left, right, grouped])
    total = layers.Multiply()([total, layers.Activation("sigmoid")(right)])
    total = layers.ZeroPadding2D(((0, 1), (0, 1)))(total)
    total = layers.Conv2D(16, 3, strides=2, activation="hard_silu")(total)
    up = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="softplus")(total)
    up = layers.UpSampling2D(2, interpolation="bilinear")(up)
    up = layers.AveragePooling2D(3, strides=2, padding="same")(up)
    squeezed = layers.GlobalAveragePooling2D()(up)
    gate = layers.Reshape((1, 1, 8))(squeezed)
    gate = layers.Conv2D(8, 1, activation="tanh")(gate)
    up = layers.Multiply()([up, gate])
    top = layers.GlobalMaxPooling2D()(up)
    joined = layers.Concatenate()([squeezed, top, layers.Flatten()(layers.MaxPooling2D(2)(up))])
    return keras.Model([first, second], [layers.Dense(10, activation="softmax", name="scores")(joined), layers.Dense(3, name="offsets")(joined)])


def transformer():
    """Attention and layer normalization over the patches of an image."""
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(24, 4, strides=4)(image)
    x = layers.Reshape((16, 24))(x)
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.MultiHeadAttention(num_heads=3, key_dim=8)(y, y)
    x = layers.Add()([x, y])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.Dense(48, activation="gelu")(y)
    x = layers.Add()([x, layers.Dense(24)(y)])
    return keras.Model(image, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


def small():
    """The classifier that is trained on Fashion-MNIST."""
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.SeparableConv2D(32, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(max_value=6),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(10),
    ])


def application(name, size=128):
    return lambda: getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=100, classifier_activation=None)


MODELS = {
    "sequential": sequential, "functional": functional, "transformer": transformer, "small": small,
    "mobilenet_v2": application("MobileNetV2"), "resnet50_v2": application("ResNet50V2"), "efficientnet_b0": application("EfficientNetB0"),
    "densenet121": application("DenseNet121"), "inception_v3": application("InceptionV3", 139),
}


def randomized(model, seed):
    """Gives batch normalizations statistics and factors that differ from those of a fresh model, as after training."""
    random = numpy.random.default_rng(seed)
    for layer in model.layers:
        if not isinstance(layer, layers.BatchNormalization):
            continue
        count = layer.moving_mean.shape[0]
        layer.moving_mean.assign(random.normal(0, 0.1, count))
        layer.moving_variance.assign(random.uniform(0.8, 1.2, count))
        if layer.gamma is not None:
            layer.gamma.assign(random.uniform(0.8, 1.2, count))
        if layer.beta is not None:
            layer.beta.assign(random.normal(0, 0.1, count))
    return model


def frozen(model):
    """The GraphDef of a model, its variables as constants."""
    specs = [tf.TensorSpec((None,) + tuple(tensor.shape[1:]), tf.float32, name=f"x{index}") for index, tensor in enumerate(model.inputs)]
    function = tf.function(lambda *inputs: model(list(inputs) if len(inputs) > 1 else inputs[0], training=False))
    return convert_variables_to_constants_v2(function.get_concrete_function(*specs))


def idx(name):
    """An array of Fashion-MNIST, as Debian's package has it."""
    with gzip.open(f"/usr/share/datasets/fashion-mnist/{name}.gz", "rb") as file:
        data = file.read()
    rank = data[3]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(numpy.frombuffer(data, ">i4", rank, 4))


def trained():
    """The small classifier after one pass over Fashion-MNIST, and the test images."""
    model = small()
    images = [((idx(f"{part}-images-idx3-ubyte") / 255 - 0.286) / 0.353).astype(numpy.float32)[..., None] for part in ("train", "t10k")]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.002), loss)
    model.fit(images[0], idx("train-labels-idx1-ubyte"), batch_size=128, epochs=1, verbose=0)
    return model, images[1]


def write(folder, name, array):
    path = os.path.join(folder, f"{name}.bin")
    numpy.ascontiguousarray(array, dtype=numpy.float32).tofile(path)
    return {"file": path, "shape": list(array.shape)}


if __name__ == "__main__":
    name, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 16
    keras.utils.set_random_seed(1)
    model, images = trained() if name == "fashion_mnist" else (randomized(MODELS[name](), 1), None)
    function = frozen(model)
    definition = function.graph.as_graph_def()
    with open(os.path.join(folder, "model.pb"), "wb") as file:
        file.write(definition.SerializeToString())
    random = numpy.random.default_rng(2)
    inputs = [random.normal(0, 1, [count] + list(tensor.shape[1:])).astype(numpy.float32) for tensor in model.inputs]
    inputs = inputs if images is None else [images]
    outputs = function(*[tf.constant(image) for image in inputs])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    print(json.dumps({
        "inputs": {tensor.name.split(":")[0]: write(folder, f"input{index}", image) for index, (tensor, image) in enumerate(zip(function.inputs, inputs))},
        "outputs": {tensor.name.split(":")[0]: write(folder, f"output{index}", value.numpy()) for index, (tensor, value) in enumerate(zip(function.outputs, outputs))},
        "operators": sorted({node.op for node in definition.node}),
    }))
