# sequence tagging: TimeDistributed "input should be at least 3D" after Bidirectional
import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Embedding, Input, TimeDistributed
from keras.models import Model

words, tags, length = 5000, 17, 40

tokens = Input(shape=(length,))
embedded = Embedding(input_dim=words, output_dim=64)(tokens)
hidden = Bidirectional(LSTM(units=48))(embedded)
out = TimeDistributed(Dense(tags, activation="softmax"))(hidden)
model = Model(tokens, out)

assert model(np.zeros((2, length))).shape == (2, length, tags)
