"""Keras 3, and Keras 2 and tf.keras where they are the same."""
