"""What is logged to Weights & Biases, or to MLflow."""

import sys

import torch

torch.set_num_threads(1)
parameter = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([parameter], lr=0.1)
if sys.argv[1] == "wandb":
    import wandb

    run = wandb.init(mode="offline", settings={"silent": True})
    log = lambda values, step: run.log(values, step=step)  # noqa: E731
else:
    import mlflow

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("own")
    mlflow.start_run()
    log = lambda values, step: mlflow.log_metrics(values, step=step)  # noqa: E731
for step in range(1, 21):
    optimizer.zero_grad()
    (parameter**2).sum().backward()
    optimizer.step()
    log({"own/loss": parameter.item()}, step)
