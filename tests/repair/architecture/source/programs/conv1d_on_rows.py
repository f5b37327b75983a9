# "Input 0 of layer conv1d is incompatible: expected min_ndim=3, found ndim=2" for tabular rows
import numpy as np
from keras.layers import Conv1D, Dense, Flatten, MaxPooling1D
from keras.models import Sequential

n_timesteps = 187

model = Sequential()
model.add(Conv1D(filters=64, kernel_size=6, activation="relu", input_shape=(n_timesteps,)))
model.add(MaxPooling1D(pool_size=3, strides=2, padding="same"))
model.add(Conv1D(filters=64, kernel_size=6, activation="relu"))
model.add(Flatten())
model.add(Dense(5, activation="softmax"))

assert model(np.zeros((2, n_timesteps))).shape == (2, 5)
