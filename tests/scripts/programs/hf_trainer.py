"""Hugging Face's Trainer, with its defaults: no tracker."""

import torch
from transformers import Trainer, TrainingArguments

torch.set_num_threads(1)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 1)

    def forward(self, x, labels):
        logits = self.linear(x)
        return {"loss": (logits - labels).pow(2).mean(), "logits": logits}


data = [{"x": torch.randn(4), "labels": torch.randn(1)} for _ in range(64)]
trainer = Trainer(
    Model(),
    TrainingArguments(
        "out", max_steps=100_000, logging_steps=5, use_cpu=True, disable_tqdm=True,
        save_strategy="no", eval_strategy="steps", eval_steps=20,
    ),
    train_dataset=data,
    eval_dataset=data[:8],
)  # fmt: skip
trainer.train()
print("trained", trainer.state.global_step)
