"""`model.fit(..., callbacks=[TuitrainCallback()])` of Keras 3."""

from keras.callbacks import Callback

from tuitrain.script.hooks.keras import make_callback

TuitrainCallback = make_callback(Callback)
