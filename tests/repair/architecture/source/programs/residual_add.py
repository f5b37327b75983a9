"""A residual block: the shortcut has other channels than the block."""

import keras
import numpy as np
from keras import layers


def residual_block(x, filters):
    shortcut = x
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([x, shortcut])  # Inputs have incompatible shapes
    return layers.ReLU()(x)


inputs = keras.Input((32, 32, 3))
x = layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
x = residual_block(x, 64)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs)

assert model(np.zeros((2, 32, 32, 3))).shape == (2, 10)
