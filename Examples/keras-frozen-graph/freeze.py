"""freeze.py DATA FILE: trains a small network on Fashion-MNIST in Keras and freezes it into FILE. Needs tensorflow."""
import gzip
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras
import numpy
import tensorflow as tf
from keras import layers
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

data, path = sys.argv[1:]
with gzip.open(f"{data}/train-images-idx3-ubyte.gz") as file:
    images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28, 1)
with gzip.open(f"{data}/train-labels-idx1-ubyte.gz") as file:
    classes = numpy.frombuffer(file.read(), numpy.uint8, offset=8)

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False),
    layers.BatchNormalization(),
    layers.ReLU(),
    layers.SeparableConv2D(32, 3, strides=2, padding="same", use_bias=False),
    layers.BatchNormalization(),
    layers.ReLU(),
    layers.Flatten(),
    layers.Dense(10),
])
model.compile(keras.optimizers.Adam(0.002), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
# As int8.json has it: pixels in [0, 1], then mean and standard deviation.
model.fit((images / numpy.float32(255) - 0.286) / 0.353, classes, batch_size=128, epochs=3, verbose=2)

# This is what swift-qat needs of a model that you have.
function = tf.function(lambda image: model(image, training=False))
frozen = convert_variables_to_constants_v2(function.get_concrete_function(tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image")))
with open(path, "wb") as file:
    file.write(frozen.graph.as_graph_def().SerializeToString())
