# GAN generator: "The total size of the tensor must be unchanged" at Reshape
import keras
import numpy as np
from keras import layers

latent_dim = 100

generator = keras.Sequential(
    [
        keras.Input(shape=(latent_dim,)),
        layers.Dense(7 * 7 * 128),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Reshape((7, 7, 256)),  # twice the values that the Dense layer makes
        layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"),
    ],
    name="generator",
)

assert generator(np.zeros((2, latent_dim))).shape == (2, 28, 28, 1)
