"""An inception block whose pooled branch is smaller than the others."""

import keras
import numpy as np
from keras import layers

inputs = keras.Input(shape=(32, 32, 3), name="image")

tower_1 = layers.Conv2D(64, (1, 1), padding="same", activation="relu")(inputs)
tower_1 = layers.Conv2D(64, (3, 3), padding="same", activation="relu")(tower_1)

tower_2 = layers.Conv2D(64, (1, 1), padding="same", activation="relu")(inputs)
tower_2 = layers.Conv2D(64, (5, 5), activation="relu")(tower_2)  # padding forgotten

merged = layers.concatenate([tower_1, tower_2], axis=-1)
x = layers.GlobalAveragePooling2D()(merged)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)

assert model(np.zeros((2, 32, 32, 3))).shape == (2, 10)
