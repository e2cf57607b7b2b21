"""`Trainer(..., callbacks=[TuitrainCallback()])` of Hugging Face's transformers."""

from transformers import TrainerCallback

from tuitrain.script.hooks.transformers import make_callback

TuitrainCallback = make_callback(TrainerCallback)
