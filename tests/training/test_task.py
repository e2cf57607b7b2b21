import pytest
import torch

from tuitrain.config.schema import Task
from tuitrain.errors import TrainingError
from tuitrain.training.task import find_task


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_column_of_targets_means_the_same_as_a_row_of_them(
    task: Task, shape: tuple[int, ...]
) -> None:
    scores = torch.tensor([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0])
    targets = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 1.0]).reshape(shape)
    found = find_task(task)
    outputs = found.shape_outputs(scores[:, None], targets)
    assert outputs.shape == targets.shape
    tally = found.tally(1, torch.device("cpu"))
    tally.add(outputs, targets)
    whole = tally.metrics()[found.train_metric()]
    steps = found.measure_steps([outputs[:4], outputs[4:]], [targets[:4], targets[4:]])
    assert (4 * steps[0] + 2 * steps[1]) / 6 == pytest.approx(whole)
    right = ((scores > 0).float() == targets.flatten()).float().mean()
    error = (scores - targets.flatten()).abs().mean()
    assert whole == pytest.approx(float(right if task == "binary" else error))


def test_a_model_that_gives_too_many_numbers_is_refused_with_both_shapes() -> None:
    task = find_task("regression")
    with pytest.raises(TrainingError, match=r"\(8, 3\) for targets of shape \(8,\)"):
        task.shape_outputs(torch.zeros(8, 3), torch.zeros(8))
