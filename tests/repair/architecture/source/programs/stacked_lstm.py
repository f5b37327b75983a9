"""Stacked LSTMs: the first one returns its last output only."""

import numpy as np
from keras import Model
from keras.layers import LSTM, Dense, Dropout, Input

inputs = Input(shape=(60, 5))
x = LSTM(50)(inputs)
x = Dropout(0.2)(x)
x = LSTM(50)(x)  # ValueError: expected ndim=3, found ndim=2
outputs = Dense(1)(x)
model = Model(inputs, outputs)

assert model(np.zeros((2, 60, 5))).shape == (2, 1)
