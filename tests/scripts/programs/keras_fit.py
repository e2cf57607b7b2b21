"""Keras 3 on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse", run_eagerly=True)
x, y = np.random.rand(64, 4), np.random.rand(64, 1)
model.fit(x, y, batch_size=16, epochs=100_000, verbose=0, validation_split=0.25)
print("epoch reached, rate", round(float(model.optimizer.learning_rate), 6))
