# "Negative dimension size caused by subtracting 2 from 1" on small images
import keras
import numpy as np
from keras import layers


def block(filters):
    return [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]


def build_model(image_size=28, num_classes=10):
    model = keras.Sequential(name="small_vgg")
    model.add(keras.Input((image_size, image_size, 1)))
    for filters in (16, 32):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Conv2D(64, 3, activation="relu"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Conv2D(128, 3, activation="relu"))  # nothing is left to slide over
    model.add(layers.Flatten())
    model.add(layers.Dense(num_classes))
    return model


model = build_model()
assert model(np.zeros((2, 28, 28, 1))).shape == (2, 10)
