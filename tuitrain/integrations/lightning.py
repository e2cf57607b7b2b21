"""`Trainer(callbacks=[TuitrainCallback()])` of Lightning."""

from lightning.pytorch.callbacks import Callback

from tuitrain.script.hooks.lightning import make_callback

TuitrainCallback = make_callback(Callback)
