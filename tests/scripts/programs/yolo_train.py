"""Ultralytics: a small detector on squares that are made here."""

import os

os.environ["YOLO_OFFLINE"] = "true"
os.environ["YOLO_CONFIG_DIR"] = os.getcwd()
import numpy as np
import torch
from PIL import Image
from ultralytics import YOLO, settings

from tuitrain.integrations.ultralytics import add_callbacks

torch.set_num_threads(1)
settings.update({"mlflow": False})
for part in ("train", "val"):
    os.makedirs(f"squares/images/{part}")
    os.makedirs(f"squares/labels/{part}")
    for number in range(4):
        picture = np.zeros((32, 32, 3), np.uint8)
        picture[8:24, 8:24] = 255
        Image.fromarray(picture).save(f"squares/images/{part}/{number}.png")
        with open(f"squares/labels/{part}/{number}.txt", "w") as file:
            file.write("0 0.5 0.5 0.5 0.5\n")
with open("squares.yaml", "w") as file:
    file.write(
        f"path: {os.getcwd()}/squares\ntrain: images/train\nval: images/val\nnames: [square]\n"
    )
# By hand as well: they are called once.
model = add_callbacks(YOLO("yolo11n.yaml"))
model.train(
    data="squares.yaml", epochs=100_000, imgsz=32, batch=2, device="cpu", workers=0, plots=False,
    optimizer="SGD", lr0=0.01, warmup_epochs=0, project="out", patience=0, verbose=False,
)  # fmt: skip
print("saved", model.trainer.last)
