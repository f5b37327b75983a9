# "Input 0 of layer lstm is incompatible with the layer: expected ndim=3, found ndim=2"
import keras
import numpy as np
from keras import layers

n_steps, n_features = 24, 7

model = keras.models.Sequential()
model.add(keras.Input((n_steps, n_features)))
model.add(layers.Flatten())
model.add(layers.Dense(64, activation="relu"))
# the recurrent part
model.add(layers.LSTM(32))
model.add(layers.Dense(1))
model.compile(loss="mse", optimizer="adam")

assert model(np.zeros((2, n_steps, n_features))).shape == (2, 1)
