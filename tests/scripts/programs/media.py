"""Images, texts and histograms: told to tuitrain, to TensorBoard, and to a wandb that is off."""

import numpy as np
import torch
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

import tuitrain

run = tuitrain.init()
grey = np.arange(6).reshape(2, 3) / 5
values = torch.tensor([-1.0, 0.5, 1.0])
run.log(
    {
        "own": [tuitrain.Image(grey, "first"), tuitrain.Image(torch.rand(3, 4, 5))],
        "pillow": tuitrain.Image(Image.new("RGBA", (6, 2), "red")),
        "large": tuitrain.Image(np.zeros((4, 2000, 3), np.uint8)),
        "odd": tuitrain.Image(np.zeros((5, 5, 2))),
        "words": tuitrain.Text("once upon"),
        "spread": tuitrain.Histogram(values),
        "loss": 0.5,
    },
    step=3,
)
grey[:] = 0
writer = SummaryWriter("board")
writer.add_image("board/image", torch.rand(3, 2, 3), 3)
writer.add_images("board/images", torch.rand(2, 2, 3, 1), 3, dataformats="NHWC")
writer.add_text("board/text", "once upon", 3)
writer.add_histogram("board/spread", values, 3)
writer.close()
try:
    import wandb
except ImportError:
    pass
else:
    off = wandb.init(mode="disabled")
    picture = wandb.Image(np.zeros((2, 2, 3), np.uint8))
    off.log({"off/loss": 0.25, "off/image": picture, "off/spread": wandb.Histogram([1, 2])}, step=4)
run.log({"last": tuitrain.Text("4")}, step=4)
