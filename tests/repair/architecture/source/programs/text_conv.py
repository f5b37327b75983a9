# text classification: Conv2D on embedded words, "expected min_ndim=4, found ndim=3"
import numpy as np
from keras.layers import (
    Conv2D,
    Dense,
    Embedding,
    GlobalMaxPooling1D,
    Input,
)
from keras.models import Sequential

vocab_size, maxlen = 32187, 100

model = Sequential()
model.add(Input((maxlen,)))
model.add(Embedding(vocab_size, 50))
model.add(Conv2D(128, 5, activation="relu"))
model.add(GlobalMaxPooling1D())
model.add(Dense(1, activation="sigmoid"))

assert model(np.zeros((2, maxlen))).shape == (2, 1)
