"""Failures of GPUs, their driver and their memory."""

from tuitrain.failures.kind import FailureKind

DEVICE_FAILURES: tuple[FailureKind, ...] = (
    FailureKind(
        "out of device memory",
        (
            r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ \w+)"
            r"(?: \(GPU (?P<old_gpu>\d+); (?P<old_total>[\d.]+ \w+) total capacity; "
            r"(?P<old_used>[\d.]+ \w+) already allocated)?"
            r"(?:\. GPU (?P<gpu>\d+) has a total capacity of (?P<total>[\d.]+ \w+) of which "
            r"(?P<free>[\d.]+ \w+) is free)?",
            r"(?:HIP|MPS backend|XPU) out of memory",
            r"CUDA (?:error: )?out of memory",
            r"CUBLAS_STATUS_ALLOC_FAILED",
            r"CUDNN_STATUS_ALLOC_FAILED",
            r"cuda runtime error \(2\) ?: out of memory",
            r"RESOURCE_EXHAUSTED: Out of memory",
            r"\bout of memory (?:at step \d+|in the evaluation|before the first step|after step "
            r"\d+) \((?:cuda|mps|xpu)[:\d]*\)",
        ),
        "The device's memory could not hold what a step keeps: weights, gradients, the "
        "optimizer's state and, growing with the batch, the activations.",
        (
            "It was asked for {asked}.",
            "{free} of {total} were free on GPU {gpu}.",
            "{old_used} of {old_total} were taken on GPU {old_gpu}.",
        ),
        (
            "halve train.batch_size and double train.accumulate: the same samples a step, half the "
            "activations; train.oom = \"halve\" does it by itself",
            "train.precision = \"bf16\", train.gradient_checkpointing = true, a smaller model or "
            "smaller inputs",
            "nvidia-smi shows whether another process holds the memory; M on the run screen shows "
            "what fills it, `tuitrain find-batch-size {preset}` what fits",
            "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True where much is reserved but not "
            "allocated",
        ),
    ),
    FailureKind(
        "class number out of range",
        (
            r"Assertion `(?:t|cur_target) >= 0 && (?:t|cur_target) < n_classes` failed",
            r"IndexError: Target (?P<target>-?\d+) is out of bounds",
            r"Class values must be (?:non-negative|smaller than num_classes)",
        ),
        "A target is no class number from 0 to the number of outputs less one: classes are counted "
        "from 1, -1 stands for unknown, or the model has too few outputs.",
        ("The target was {target}.",),
        (
            "look at the smallest and the largest target: `tuitrain data {preset}` shows the "
            "classes that are there",
            "make the model's outputs as many as the classes; number classes from 0; "
            "loss.ignore_index names a number that does not count",
        ),
    ),
    FailureKind(
        "index out of range",
        (
            r"Assertion `srcIndex < srcSelectDimSize` failed",
            r"Assertion `.*index out of bounds.*` failed",
            r"Assertion `-sizes\[i\] <= index && index < sizes\[i\]",
            r"IndexError: index out of range in self",
            r"IndexError: index (?P<index>-?\d+) is out of bounds for "
            r"(?:dimension|axis) (?P<axis>\d+) with size (?P<size>\d+)",
            r"IndexError: list index out of range",
            r"IndexError: Dimension out of range",
        ),
        "An index points beyond what it indexes: most often a token number as large as the "
        "vocabulary or larger, or a position beyond the longest that the model was made for.",
        ("Index {index} into dimension {axis} of size {size}.",),
        (
            "compare the largest index with num_embeddings (the vocabulary, the longest position); "
            "`tuitrain data {preset}` shows the range of the inputs",
            "run the step on the CPU (train.device = \"cpu\"): there the traceback names the line",
        ),
    ),
    FailureKind(
        "probability out of range",
        (
            r"Assertion `input_val >= zero && input_val <= one` failed",
            r"all elements of (?:input|target) should be between 0 and 1",
            r"Assertion `probability tensor contains either `?inf`?, `?nan`?",
            r"probability tensor contains either `?inf`?, `?nan`? or element < 0",
        ),
        "A loss or a draw was given probabilities that are none: raw scores where a sigmoid or "
        "softmax belongs, or NaN.",
        (),
        (
            "take the loss that wants scores: bce_with_logits or cross_entropy, without a sigmoid "
            "or softmax at the model's end",
            "where values are NaN, lower optimizer.lr or set train.clip_norm",
        ),
    ),
    FailureKind(
        "illegal memory access",
        (
            r"CUDA error: an illegal memory access was encountered",
            r"CUDA error: (?:misaligned address|an illegal instruction was encountered)",
            r"CUDA error: unspecified launch failure",
            r"an illegal memory access was encountered",
        ),
        "A kernel read or wrote beyond its memory. The line that is shown is only where it was "
        "noticed; at fault is a kernel before it, a custom or compiled one, or failing hardware.",
        (),
        (
            "run again with CUDA_LAUNCH_BLOCKING=1: then the traceback names the kernel at fault",
            "train.compile = false, and without extensions of your own, tells whether one of them "
            "is it; `compute-sanitizer python ...` names the address",
            "on one GPU alone and again and again: dmesg | grep Xid, the card may be faulty",
        ),
    ),
    FailureKind(
        "GPU fault",
        (
            r"uncorrectable ECC error encountered",
            r"GPU has fallen off the bus",
            r"NVRM: Xid \(.*\): (?P<xid>\d+)",
            r"CUDA error: (?:hardware stack error|the launch timed out and was terminated)",
            r"Unable to determine the device handle for GPU",
        ),
        "The GPU or its bus failed; no setting of the training causes or mends this.",
        ("The driver's code is Xid {xid}.",),
        (
            "nvidia-smi -q -d ECC and dmesg | grep Xid tell which card; it needs a reset or an "
            "administrator",
            "go on elsewhere: tuitrain resume {run}, on another GPU (CUDA_VISIBLE_DEVICES)",
        ),
    ),
    FailureKind(
        "CUDA library not initialised",
        (
            r"(?P<library>CUBLAS|CUDNN|CUSOLVER|CUSPARSE)_STATUS_NOT_INITIALIZED",
            r"(?P<library>CUDNN|CUBLAS)_STATUS_(?:INTERNAL_ERROR|EXECUTION_FAILED)",
            r"Unable to find a valid cuDNN algorithm",
            r"unable to find an engine to execute this computation",
            r"Could not load library libcudnn",
            r"libcudnn\w*\.so[.\d]*: (?:cannot open|undefined symbol)",
        ),
        "cuBLAS or cuDNN could not start or run: most often no memory was left for their "
        "workspace; else an index fault before it, or libraries of several versions.",
        (),
        (
            "leave the GPU some memory: a smaller train.batch_size; nvidia-smi shows who else is "
            "on it",
            "run again with CUDA_LAUNCH_BLOCKING=1 (or train.device = \"cpu\") to see a fault that "
            "came first",
            "unset LD_LIBRARY_PATH if it names another CUDA; `tuitrain doctor` tries torch",
        ),
    ),
    FailureKind(
        "GPU too new or too old for this torch",
        (
            r"no kernel image is available for execution on the device",
            r"CUDA capability (?P<capability>sm_\d+) is not compatible with the current PyTorch",
            r"CUDA error: (?:invalid device function|the provided PTX was compiled with an "
            r"unsupported toolchain)",
        ),
        "This torch has no code for this GPU's architecture.",
        ("The GPU is of {capability}.",),
        (
            "install a torch built for it: pip install --force-reinstall torch from the index of a "
            "CUDA version that knows the card (pytorch.org, \"Get started\")",
            "extensions of your own: build again with TORCH_CUDA_ARCH_LIST naming the card",
            "`tuitrain doctor` shows torch's CUDA and the cards",
        ),
    ),
    FailureKind(
        "driver too old",
        (
            r"NVIDIA driver on your system is too old \(found version (?P<version>\d+)\)",
            r"CUDA driver version is insufficient for CUDA runtime version",
            r"forward compatibility was attempted on non supported HW",
        ),
        "The GPU's driver is older than the CUDA that this torch was built with.",
        ("The driver offers CUDA version {version}.",),
        (
            "update the driver, or install a torch built for an older CUDA; nvidia-smi's head says "
            "up to which version this driver goes",
            "train.device = \"cpu\" trains without it meanwhile",
        ),
    ),
    FailureKind(
        "driver does not answer",
        (
            r"Driver/library version mismatch",
            r"CUDA unknown error - this may be due to an incorrectly set up environment",
            r"CUDA error: (?:initialization error|unknown error)",
            r"(?:all CUDA-capable devices are|CUDA-capable device\(s\) is/are) busy or unavailable",
        ),
        "The driver is loaded in another version than its libraries, was lost in a suspend, or the "
        "GPU is reserved by another process (exclusive mode).",
        (),
        (
            "nvidia-smi must list the GPUs; after an update of the driver the machine needs a "
            "reboot (or its modules a reload)",
            "`tuitrain doctor` shows what torch and the driver say",
        ),
    ),
    FailureKind(
        "no GPU",
        (
            r"Found no NVIDIA driver on your system",
            r"Torch not compiled with CUDA enabled",
            r"no CUDA-capable device is detected",
            r"No CUDA GPUs are available",
            r"CUDA error: invalid device ordinal",
            r"torch\.cuda\.is_available\(\) is False",
        ),
        "A GPU was asked for that torch does not see: there is none, CUDA_VISIBLE_DEVICES hides "
        "it, this torch is built without CUDA, or its number is too high.",
        (),
        (
            "train.device = \"auto\" takes what there is; code of your own should move tensors to "
            "the device of the model, not to \"cuda\"",
            "load files of a GPU with torch.load(..., map_location=\"cpu\")",
            "`tuitrain doctor` shows what torch sees, and what is missing",
        ),
    ),
    FailureKind(
        "CUDA in a forked process",
        (r"Cannot re-initialize CUDA in forked subprocess",),
        "A process that was forked, as a DataLoader worker is, used the GPU.",
        (),
        (
            "leave tensors on the CPU in a data set's __getitem__ and in its collate function",
            "or data.workers = 0; in a script of your own multiprocessing's \"spawn\"",
        ),
    ),
    FailureKind(
        "device-side assert",
        (
            r"CUDA error: device-side assert triggered",
            r"CUDA_ERROR_ASSERT",
            r"cuda runtime error \(59\)",
        ),
        "A check within a kernel failed, most often an index: a class number or token beyond the "
        "range. The line of python that is shown is a later one, and the GPU stays unusable until "
        "the process ends.",
        (),
        (
            "run again with CUDA_LAUNCH_BLOCKING=1, or with train.device = \"cpu\": then the "
            "traceback names the line at fault",
            "the lines with \"Assertion ... failed\" further up in the log name the check; "
            "`tuitrain data {preset}` shows the ranges of inputs and targets",
        ),
        is_symptom=True,
    ),
)  # fmt: skip
