"""Keras: model JSON in and out, Keras 3 source out."""

from repair.architecture.formats.keras.code import keras_code, keras_layer
from repair.architecture.formats.keras.read import KerasModel, is_keras, read_keras
from repair.architecture.formats.keras.write import GONE, write_keras

__all__ = [
    "GONE",
    "KerasModel",
    "is_keras",
    "keras_code",
    "keras_layer",
    "read_keras",
    "write_keras",
]
