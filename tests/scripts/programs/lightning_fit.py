"""Lightning, without a logger."""

import lightning
import torch

torch.set_num_threads(1)


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 1)

    def training_step(self, batch, _number):
        loss = self.linear(batch[0]).pow(2).mean()
        self.log("fit_loss", loss)
        return loss

    def validation_step(self, batch, _number):
        self.log("val_loss", self.linear(batch[0]).pow(2).mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


data = torch.utils.data.TensorDataset(torch.randn(64, 4))
trainer = lightning.Trainer(
    max_epochs=100_000, logger=False, enable_checkpointing=False, accelerator="cpu",
    enable_progress_bar=False, enable_model_summary=False,
)  # fmt: skip
loader = torch.utils.data.DataLoader(data, 16)
trainer.fit(Model(), loader, loader)
print("fit ended at", trainer.global_step)
