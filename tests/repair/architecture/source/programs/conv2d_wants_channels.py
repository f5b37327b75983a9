# "Input 0 of layer conv2d is incompatible with the layer: expected min_ndim=4, found ndim=3"
import numpy as np
from keras.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from keras.models import Sequential

model = Sequential(
    [
        Input(shape=(28, 28)),
        Conv2D(32, kernel_size=(3, 3), activation="relu"),  # grey images have no channel axis
        MaxPooling2D(pool_size=(2, 2)),
        Flatten(),
        Dense(10, activation="softmax"),
    ]
)

assert model(np.zeros((2, 28, 28))).shape == (2, 10)
