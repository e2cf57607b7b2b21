"""The one schema of a preset: sections, fields, units, defaults and bounds.

Field descriptions are the reference in the help. A section that names a component (a model, a
data set, ...) also takes that component's own options; those are checked by `catalogue`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from tuitrain.config.tracking import TRACKER_PATTERN, TRACKER_WORDS
from tuitrain.config.wording import MOST

PositiveInt = Annotated[int, Field(gt=0, le=MOST)]
NonNegativeInt = Annotated[int, Field(ge=0, le=MOST)]
Seconds = Annotated[float, Field(gt=0, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Monitor = Annotated[
    str,
    Field(
        pattern=r"^(train/|val/(aux/([a-z0-9_]+/){0,2})?)[a-z0-9_]+$",
        json_schema_extra={"words": "a metric, e.g. val/loss"},
    ),
]
Tracker = Annotated[str, Field(pattern=TRACKER_PATTERN, json_schema_extra={"words": TRACKER_WORDS})]

Precision = Literal["fp32", "tf32", "bf16", "fp16", "auto"]
AlertRule = Literal[
    "divergence", "plateau", "creep", "slowdown", "throttled", "hot", "disk", "shm", "loaders",
    "hang", "ended",
]  # fmt: skip
"""The rules that can be turned off; what the worker itself reports is always told."""
Factor = Annotated[float, Field(gt=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A table of a preset with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Component(BaseModel):
    """A table that picks a registered component by `name`; its other keys are its options.

    Options are validated against the component's own signature by `catalogue`, which forbids
    unknown ones too.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)

    name: str = Field(min_length=1)

    @property
    def options(self) -> dict[str, Any]:
        """The component's own options, by name."""
        return dict(self.model_extra or {})


class AugmentSection(Component):
    """One step of the augmentation, applied to training batches in the order given."""

    name: str = Field(
        min_length=1,
        description="A registered augmentation, or `package.module:Name` of your own.",
    )


class HookSection(Component):
    """One technique beside the loop, as averaged weights or mixup."""

    name: str = Field(
        min_length=1,
        description="A registered hook, or `package.module:Name` of your own.",
    )


class MetricSection(Component):
    """One metric beside the task's own: a name alone, or a table with options."""

    name: str = Field(
        min_length=1,
        description="A registered metric, or `package.module:Name` of your own.",
    )
    label: str | None = Field(
        None,
        pattern=r"^[a-z0-9_]{1,60}$",
        json_schema_extra={"words": "lower-case letters, digits and underscores"},
        description="It is shown as val/LABEL; left out: its name, of your own code the last part.",
    )

    @property
    def shown(self) -> str:
        """What follows `val/` in the metric's name."""
        return self.label or metric_label(self.name)


def metric_label(name: str) -> str:
    """Return what a metric is called where no label is given: `my.code:TopFive` is top_five."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(":")[2])
    return words.lower()


class DataSection(Component):
    """What is trained on, and how it reaches the device."""

    name: str = Field(
        min_length=1, description="A registered data set, or `package.module:Name` of your own."
    )
    mode: Literal["auto", "tensor", "loader"] = Field(
        "auto",
        description="`tensor` holds the whole set on the device, `loader` streams it through "
        "DataLoader workers, `auto` takes `tensor` when the set fits into `memory_share`.",
    )
    memory_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of the device's free memory that `auto` may fill with the set."
    )
    workers: Annotated[int, Field(ge=0, le=1024)] = Field(
        2, description="DataLoader worker processes of the `loader` mode; 0 loads in the worker."
    )
    fold: str | None = Field(
        None,
        pattern=r"^[0-9]{1,6}/[0-9]{1,6}$",
        json_schema_extra={"words": 'K/N as text, e.g. "2/5"'},
        description="k-fold: train and validation part are joined and dealt out by `train.seed` "
        "into N folds, with each class in its share; fold K is held out. Left out: the data set's "
        "own parts.",
    )
    normalize: bool = Field(
        True, description="Shift and scale inputs by the training set's mean and deviation."
    )
    augment: list[AugmentSection] = Field(
        default_factory=list,
        description='Augmentations in order, e.g. `[{ name = "shift", pixels = 1 }]`.',
    )


class ModelSection(Component):
    """What is trained."""

    name: str = Field(
        min_length=1,
        description="A registered model, `torchvision.NAME` for any classifier of "
        "torchvision.models, or `package.module:Name` of your own.",
    )


class LossSection(Component):
    """What is minimised."""

    name: str = Field(
        min_length=1,
        description="A registered loss, or `package.module:Name` of your own.",
        json_schema_extra={"default_words": "the task's"},
    )


class GroupSection(Section):
    """Parameters with a rate and a weight decay of their own; the first group that fits counts."""

    match: str = Field(
        min_length=1,
        description="Names of parameters, as the model's `named_parameters` has them; `*` stands "
        "for any part, as in `*.bias`. Those of the loss begin with `loss.`.",
    )
    lr: PositiveFloat | None = Field(
        None,
        description="Base learning rate, which the schedule and a live `set optimizer.lr` scale "
        "like the others; left out: `optimizer.lr`.",
    )
    weight_decay: NonNegativeFloat | None = Field(
        None, description="Weight decay, which stays; left out: `optimizer.weight_decay`."
    )


class OptimizerSection(Component):
    """How the weights are updated."""

    name: str = Field(
        "adamw",
        min_length=1,
        description="A registered optimizer, `torch.NAME` for any other of torch.optim, or "
        "`package.module:Name` of your own.",
    )
    lr: PositiveFloat = Field(1e-3, description="Base learning rate, before the schedule.")
    weight_decay: NonNegativeFloat = Field(
        0.0, description="Weight decay as the optimizer defines it."
    )
    groups: list[GroupSection] = Field(
        default_factory=list,
        description="Parameters with a rate or a weight decay of their own, e.g. "
        '`[{ match = "*.bias", weight_decay = 0.0 }]`.',
    )


class ScheduleSection(Component):
    """How the learning rate moves over the run, as a factor of `optimizer.lr`."""

    name: str = Field(
        "constant",
        min_length=1,
        description="A registered schedule, or `package.module:Name` of your own.",
    )
    warmup_steps: NonNegativeInt = Field(
        0, description="Steps over which the rate first rises linearly from 0."
    )


class TrainSection(Section):
    """How long, how large, how precise, and where."""

    epochs: PositiveInt = Field(10, description="Passes over the training set.")
    max_steps: NonNegativeInt = Field(
        0, description="Ends the run after this many steps if that is sooner; 0: no such limit."
    )
    batch_size: PositiveInt = Field(64, description="Samples in one forward pass.")
    accumulate: PositiveInt = Field(
        1, description="Batches whose gradients make up one step (optimizer update)."
    )
    drop_last: bool = Field(
        False, description="Leave out the step of each epoch that would be smaller."
    )
    clip_norm: NonNegativeFloat = Field(
        0.0, description="Largest gradient norm; larger gradients are scaled down. 0: none."
    )
    grad_norm_every: NonNegativeInt = Field(
        50,
        description="Record the gradient norm every so many steps; with `clip_norm` it is known "
        "and recorded at each. 0: never.",
    )
    layers_every: NonNegativeInt = Field(
        0,
        description="Measure each layer every so many steps: what it gives, its gradient, its "
        "weights, and how many of its units are dead; 0: never.",
    )
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = Field(
        0,
        json_schema_extra={"words": "a whole number of at least 0 and less than 2^63"},
        description="Seeds weights, order, augmentation and dropout.",
    )
    precision: Precision = Field(
        "fp32",
        description="`bf16` and `fp16` are autocast, `fp16` with a gradient scaler; `tf32` lets "
        "fp32 matrix products use TensorFloat-32. `auto` times a few passes before the first step "
        "and takes `tf32` or `bf16` where they are faster on the device at hand; the run keeps it.",
    )
    parameter_type: Literal["fp32", "bf16"] = Field(
        "fp32",
        description="Number format in which weights, gradients and optimizer state are held; "
        '`bf16` halves them at the price of digits, and needs `precision = "bf16"`.',
    )
    channels_last: bool = Field(
        False, description="Hold images and convolutions in channels-last memory order."
    )
    compile: bool | Literal["auto"] = Field(
        False,
        description="Compile the model with torch.compile. `auto` times a copy of it before the "
        "first step of a run of more than a few minutes, and compiles where the rest of the run "
        "gains more than compiling takes; the run keeps it.",
    )
    gradient_checkpointing: bool | Annotated[str, Field(min_length=1)] = Field(
        False,
        json_schema_extra={"words": "true, false or a pattern of modules' names"},
        description="Keep of each repeated block of the model its inputs alone, and compute it "
        "again in the backward pass: less memory for about a third more time, the same results. A "
        'pattern such as `"encoder.layers.*"` names the modules; not with `compile`.',
    )
    deterministic: bool = Field(
        False, description="Allow only algorithms of torch that are deterministic."
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?|mps)$",
        json_schema_extra={"words": "auto, cpu, cuda, cuda:N or mps"},
        description="`auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` takes the first CUDA "
        "device, else mps, else the CPU.",
    )
    threads: Annotated[int, Field(ge=0, le=1024)] = Field(
        0,
        description="CPU threads of torch, of each rank; 0 leaves the choice to torch, and shares "
        "the cores among ranks. Recorded either way.",
    )
    ranks: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = Field(
        1,
        json_schema_extra={"words": 'a whole number from 1 to 1024, or "auto"'},
        description="Processes of this machine that train one model together (DDP), each on a GPU "
        "of its own where there are any; `auto`: as many as GPUs are visible. `batch_size` stays "
        "that of all of them together.",
    )
    strategy: Literal["ddp", "fsdp"] = Field(
        "ddp",
        description="What ranks hold: `ddp` a replica of the model each, `fsdp` a part each of its "
        "weights, gradients and optimizer state (FSDP2), for models that do not fit one GPU.",
    )
    sync_batchnorm: bool = Field(
        False,
        description="Let batch normalisation see the batches of all ranks; only on CUDA devices.",
    )
    compress_gradients: bool = Field(
        False,
        description="Let ranks exchange gradients in bf16: half the traffic, fewer digits.",
    )
    evaluate_every_epochs: NonNegativeInt = Field(
        1, description="Evaluate after every so many epochs; 0: not by epochs."
    )
    evaluate_every_steps: NonNegativeInt = Field(
        0, description="Evaluate after every so many steps; 0: not by steps."
    )
    nonfinite: Literal["stop", "skip", "ignore"] = Field(
        "stop",
        description="When the loss is NaN or infinite: `stop` ends the run with a checkpoint of "
        "the last finite state, `skip` leaves that update out, `ignore` only raises an alert.",
    )
    oom: Literal["fail", "halve"] = Field(
        "fail",
        description="When the device's memory runs out: `fail` ends the run with an account of it, "
        "`halve` repeats the step in batches of half the size, as many samples a step as before.",
    )
    memory_history: bool = Field(
        False,
        description="Record the source line of every allocation on a CUDA device, for the account "
        "of memory that ran out; costs a few percent.",
    )
    weights_from: str | None = Field(
        None,
        description="A file whose weights the run begins with where names and shapes fit: a "
        "checkpoint, a state dict of `torch.save`, or `.safetensors`; left out: none.",
    )
    grace_s: Seconds = Field(
        60.0, description="Seconds that a stop may take before the worker is killed."
    )


class CheckpointSection(Section):
    """When state is saved, and what is kept."""

    every_steps: NonNegativeInt = Field(
        0, description="Save after every so many steps; 0: not by steps."
    )
    every_minutes: Amount = Field(
        5.0, description="Save after so many minutes without a checkpoint; 0: not by time."
    )
    every_epochs: NonNegativeInt = Field(
        0, description="Save after every so many epochs; 0: not by epochs."
    )
    keep: PositiveInt = Field(
        2, description="Latest checkpoints that are kept, apart from best and named ones."
    )
    one_file_gib: Amount = Field(
        16.0,
        description='State of a sharded model (`train.strategy = "fsdp"`) up to so many GiB is put '
        "together on rank 0's host and is one file; what is larger is a folder, of which each rank "
        "writes its part.",
    )
    best: bool = Field(True, description="Save whenever `monitor` is better than ever before.")
    monitor: Monitor | None = Field(
        None,
        description="The metric that decides which checkpoint is best; left out: the task's, or "
        "val/loss for a task of your own.",
    )
    mode: Literal["min", "max"] | None = Field(
        None,
        description="Whether smaller or larger is better; left out: `max` for accuracy-like "
        "metrics, `min` for all others.",
    )


class StopSection(Section):
    """When a run ends before its last epoch."""

    monitor: Monitor | None = Field(
        None, description="The metric that patience watches; left out: val/loss."
    )
    mode: Literal["min", "max"] | None = Field(
        None, description="Whether smaller or larger is better; left out: as for `checkpoint`."
    )
    patience: NonNegativeInt = Field(
        0, description="Evaluations without a better value before the run ends; 0: never."
    )
    min_delta: NonNegativeFloat = Field(
        0.0, description="What a value must be better by to count as better."
    )
    target: float | None = Field(
        None, description="End as soon as `monitor` is at least this good; left out: no target."
    )


class AlertsSection(Section):
    """When a run calls for attention; `tuitrain alerts --rules` says what each rule is."""

    off: list[AlertRule] = Field(
        default_factory=list, description='Rules that are not wanted, e.g. `["plateau"]`.'
    )
    divergence_factor: Factor = Field(
        3.0, description="How many times its best value the loss may be."
    )
    divergence_steps: PositiveInt = Field(
        100, description="Steps that the loss must stay above that."
    )
    plateau_evaluations: PositiveInt = Field(
        10, description="Evaluations without a better value of `stop.monitor`."
    )
    plateau_min_delta: NonNegativeFloat = Field(
        0.0, description="What a value must be better by to count as better."
    )
    creep_hours: Seconds = Field(
        6.0, description="Hours within which growing memory would be full."
    )
    creep_share: Share = Field(
        0.2, description="Share of the memory there is that may be lost to steady growth."
    )
    creep_warmup_s: Amount = Field(
        120.0,
        description="Seconds of training before growth is looked for: caches fill first.",
    )
    creep_window_s: Seconds = Field(
        300.0, description="Seconds over which memory must have grown steadily."
    )
    slowdown_factor: Factor = Field(
        2.0, description="How many times the run's median a step may take."
    )
    slowdown_s: Seconds = Field(
        60.0, description="Seconds of training that steps must stay slower than that."
    )
    throttled_s: Seconds = Field(
        30.0, description="Seconds that a GPU's clock may be held down for heat or power."
    )
    hot_c: PositiveFloat = Field(90.0, description="Degrees Celsius that a GPU may reach.")
    disk_free_gib: Amount = Field(
        2.0, description="GiB that must be free on the run's disk; 0: no such limit."
    )
    disk_free_share: Fraction = Field(
        0.0, description="Share of the run's disk that must be free; 0: no such limit."
    )
    shm_share: Share = Field(
        0.9, description="Share of /dev/shm that may be used while there are loader workers."
    )
    hang_factor: Factor = Field(
        10.0, description="How many times the run's usual time a step may take."
    )
    hang_s: Seconds = Field(60.0, description="Seconds without a step that are never a hang.")
    hang_first_step_s: Seconds = Field(
        900.0, description="The same for the first step, which may compile."
    )
    hang_evaluation_s: Seconds = Field(
        900.0, description="The same for an evaluation, a checkpoint, or a command."
    )


class LogSection(Section):
    """Where metrics go beside the run's own record, see `tuitrain help trackers`."""

    to: list[Tracker] = Field(
        default_factory=list,
        description='Trackers, at most one of each kind, e.g. `["tensorboard:tb", "wandb"]`.',
    )
    textfile: str | None = Field(
        None,
        min_length=1,
        json_schema_extra={"words": "a folder"},
        description="The folder of node_exporter's textfile collector, for Prometheus; left out: "
        "none.",
    )


class Preset(Section):
    """A preset: one training run, described in full."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$",
        json_schema_extra={
            "words": "up to 64 lower-case letters, digits, dots, dashes, underscores"
        },
        description="Short name: lower-case letters, digits, dot, dash, underscore.",
    )
    description: str = Field("", max_length=200, description="One line: what it trains.")
    task: str = Field(
        min_length=1,
        json_schema_extra={"words": "the name of a task, or package.module:Name"},
        description="A registered task, or `package.module:Name` of your own.",
    )
    data: DataSection
    model: ModelSection
    loss: LossSection
    optimizer: OptimizerSection = Field(default_factory=OptimizerSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    train: TrainSection = Field(default_factory=TrainSection)
    hooks: list[HookSection] = Field(
        default_factory=list,
        description='Techniques in order, e.g. `[{ name = "ema", decay = 0.999 }]`.',
    )
    metrics: list[MetricSection] = Field(
        default_factory=list,
        json_schema_extra={"words": "a list of names, or of tables with a name"},
        description="Metrics beside the task's own, measured in every evaluation, e.g. "
        '`["f1_macro", { name = "top_k", k = 3 }]`.',
    )
    checkpoint: CheckpointSection = Field(default_factory=CheckpointSection)
    stop: StopSection = Field(default_factory=StopSection)
    alerts: AlertsSection = Field(default_factory=AlertsSection)
    log: LogSection = Field(default_factory=LogSection)


LIVE_SETTINGS: tuple[str, ...] = (
    "optimizer.lr",
    "optimizer.weight_decay",
    "train.clip_norm",
    "train.layers_every",
    "checkpoint.every_steps",
    "checkpoint.every_minutes",
    "checkpoint.every_epochs",
    "stop.patience",
)
"""What `tuitrain set` may change while a run is live."""
