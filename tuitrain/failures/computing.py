"""Failures of shapes, types, devices and gradients: how model, loss and batch are at odds."""

from tuitrain.failures.kind import FailureKind

_LOOK_AT_MODEL = (
    "`tuitrain model {preset}` shows every layer with the shapes that it takes and gives"
)
_LOOK_AT_DATA = "`tuitrain data {preset}` shows what a sample is like"

COMPUTING_FAILURES: tuple[FailureKind, ...] = (
    FailureKind(
        "layer and input do not fit",
        (
            r"mat1 and mat2 shapes cannot be multiplied "
            r"\((?P<rows>\d+)x(?P<has>\d+) and (?P<wants>\d+)x(?P<outputs>\d+)\)",
            r"size mismatch, m1: \[(?P<rows>\d+) x (?P<has>\d+)\], m2: \[(?P<wants>\d+) x",
            r"Expected size for first two dimensions of batch2 tensor to be",
            r"was expecting embedding dimension of (?P<wants>\d+), but got (?P<has>\d+)",
            r"input\.size\(-1\) must be equal to input_size\. Expected (?P<wants>\d+), got "
            r"(?P<has>\d+)",
        ),
        "A linear layer, or another matrix product, got inputs of another length than it was made "
        "for.",
        ("The input has {has} features, the layer takes {wants}.",),
        (
            "make the layer that long, or bring its input to that length: most often what comes "
            "out of a flatten after convolutions changed with the size of the images; LazyLinear "
            "takes the length from the first batch",
            _LOOK_AT_MODEL,
        ),
    ),
    FailureKind(
        "wrong number of channels",
        (
            r"expected input\[(?P<shape>[\d, ]+)\] to have (?P<wants>\d+) channels, but got "
            r"(?P<has>\d+) channels",
            r"running_mean should contain (?P<has>\d+) elements not (?P<wants>\d+)",
            r"Expected number of channels in input to be divisible by num_groups",
            r"weight should contain (?P<has>\d+) elements not (?P<wants>\d+)",
        ),
        "A convolution or normalisation was made for another number of channels than it gets.",
        ("It takes {wants}, the input has {has}.", "The input's shape is [{shape}]."),
        (
            "grey images have one channel, colour has three, and transparency a fourth: convert "
            "them all alike, or make the first layer's in_channels that many",
            "channels come first: [batch, channels, height, width]; permute images that end in "
            "their channels",
            _LOOK_AT_DATA,
        ),
    ),
    FailureKind(
        "wrong number of dimensions",
        (
            r"[Ee]xpected (?P<wants>[\d\w ()]+?) input (?:to \w+, but got input of size: "
            r"\[(?P<shape>[\d, ]*)\]|\(got (?P<has>\w+) input\))",
            r"0D or 1D target tensor expected, multi-target not supported",
            r"only batches of spatial targets supported",
            r"Expected \d+-dimensional input for \d+-dimensional weight",
            r"Dimension specified as \S+ but tensor has no dimensions",
        ),
        "A layer or loss got a tensor with too many or too few dimensions: a missing batch or "
        "channel dimension, or targets that are not one class number a sample.",
        ("It takes {wants}, and got {has}.", "It takes {wants}, and got [{shape}]."),
        (
            "add a dimension with unsqueeze, take one away with squeeze or flatten; one-hot "
            "targets become class numbers with argmax(1)",
            _LOOK_AT_MODEL,
        ),
    ),
    FailureKind(
        "image too small for the model",
        (
            r"Calculated padded input size per channel: \((?P<has>[\d x]+)\)\. Kernel size: "
            r"\((?P<wants>[\d x]+)\)",
            r"Output size is too small",
            r"Expected more than 1 spatial element when training",
        ),
        "What reaches a layer is smaller than its kernel: the image was halved too often on the "
        "way.",
        ("{has} for a kernel of {wants}.",),
        ("larger images, or fewer strides and poolings; padding keeps sizes", _LOOK_AT_MODEL),
    ),
    FailureKind(
        "a batch of one in training",
        (r"Expected more than 1 value per channel when training",),
        "Batch normalisation can't train on a batch of a single sample, as the last one of an "
        "epoch may be.",
        (),
        ("train.drop_last = true, or another train.batch_size",),
    ),
    FailureKind(
        "outputs and targets do not fit",
        (
            r"Expected input batch_size \((?P<outputs>\d+)\) to match target batch_size "
            r"\((?P<targets>\d+)\)",
            r"Target size \(torch\.Size\(\[(?P<targets>[\d, ]*)\]\)\) must be the same as input "
            r"size \(torch\.Size\(\[(?P<outputs>[\d, ]*)\]\)\)",
        ),
        "The loss needs a target for each output.",
        ("Outputs are [{outputs}], targets [{targets}].",),
        (
            "bring them to one shape: squeeze(1) of outputs with one column, or unsqueeze(1) of "
            "targets; a view that merges batch and other dimensions changes the batch size",
            _LOOK_AT_DATA,
        ),
    ),
    FailureKind(
        "tensors of different sizes",
        (
            r"The size of tensor a \((?P<a>\d+)\) must match the size of tensor b \((?P<b>\d+)\) "
            r"at non-singleton dimension (?P<axis>\d+)",
            r"Sizes of tensors must match except in dimension (?P<axis>\d+)\. Expected size "
            r"(?P<a>\d+) but got size (?P<b>\d+)",
            r"shape '\[(?P<shape>[-\d, ]+)\]' is invalid for input of size (?P<elements>\d+)",
            r"view size is not compatible with input tensor's size and stride",
            r"The expanded size of the tensor \((?P<a>\d+)\) must match the existing size "
            r"\((?P<b>\d+)\)",
            r"operands could not be broadcast together with shapes",
            r"shape mismatch: value tensor of shape",
        ),
        "Two tensors that are joined or combined, or a shape and what is to be brought into it, "
        "have different sizes.",
        (
            "{a} and {b} in dimension {axis}.",
            "{elements} numbers do not fill [{shape}].",
        ),
        (
            "print both shapes at the line that is named; flatten(1) and reshape(len(x), -1) keep "
            "the batch whatever its size: the last one of an epoch may be smaller "
            "(train.drop_last)",
            _LOOK_AT_MODEL,
        ),
    ),
    FailureKind(
        "samples of different sizes in a batch",
        (
            r"stack expects each tensor to be equal size, but got \[(?P<a>[\d, ]*)\] at entry \d+ "
            r"and \[(?P<b>[\d, ]*)\] at entry (?P<entry>\d+)",
            r"each element in list of batch should be of equal size",
            r"default_collate: batch must contain tensors.*found <class '(?P<type>[\w.]+)'>",
        ),
        "The samples of a batch can't be stacked into one tensor.",
        ("One is [{a}], another (place {entry}) [{b}].", "One is {type}."),
        (
            "bring all samples to one size in __getitem__ (resize, pad, cut), or pass a collate_fn "
            "of your own that pads",
            "a __getitem__ that returns None for a broken sample: leave such samples out before",
        ),
    ),
    FailureKind(
        "wrong type of targets",
        (
            r"expected target dtype to be (?P<wants>[\w ]+), but got (?P<has>\w+)",
            r"expected scalar type (?P<wants>\w+) but found (?P<has>\w+)",
            r"Expected object of scalar type (?P<wants>\w+) but got scalar type (?P<has>\w+)",
            r"[\"']?(?:nll_loss\w*|binary_cross_entropy|host_softmax)\w*[\"']? not implemented for "
            r"'(?P<has>\w+)'",
            r"result type (?P<wants>\w+) can't be cast to the desired output type (?P<has>\w+)",
            r"Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            r"(?P<wants>[\w, ]+); but got torch\.(?P<has>\w+?)Tensor",
        ),
        "A tensor has another type than the operation takes: class numbers and token numbers are "
        "Long (int64), values to predict and weights are Float (float32).",
        ("{wants} is taken, {has} was given.",),
        (
            "targets.long() for classes and embeddings, .float() for numbers and yes/no targets "
            "(bce)",
            _LOOK_AT_DATA,
        ),
    ),
    FailureKind(
        "types of inputs and weights differ",
        (
            r"mat1 and mat2 must have the same dtype, but got (?P<a>\w+) and (?P<b>\w+)",
            r"expected m1 and m2 to have the same dtype, but got: (?P<a>[\w:]+) != (?P<b>[\w:]+)",
            r"Input type \((?P<a>[\w. ]+)\) and (?:weight|bias) type \((?P<b>[\w. ]+)\) should be "
            r"the same",
            r"[\"']\w+[\"'] not implemented for '(?P<a>\w+)'",
            r"expected .* to have the same dtype",
        ),
        "Inputs and weights have different types: numpy's floats are 64 bits wide, images are "
        "whole numbers, and half precision belongs to autocast.",
        ("{a} meets {b}.",),
        (
            ".float() on what a data set returns (numpy: astype(\"float32\")); no .half() of your "
            "own, train.precision does it",
            _LOOK_AT_DATA,
        ),
    ),
    FailureKind(
        "tensors on different devices",
        (
            r"Expected all tensors to be on the same device, but (?:found at least two devices, "
            r"(?P<a>[\w:]+) and (?P<b>[\w:]+)|got \w+ is on (?P<a2>[\w:]+), different from other "
            r"tensors on (?P<b2>[\w:]+))",
            r"Tensor on device (?P<a>[\w:]+) is not on the expected device (?P<b>[\w:]+)",
            r"Input type \(torch\.cuda\.\w+\) and weight type \(torch\.\w+\) should be the same",
            r"indices should be either on cpu or on the same device as the indexed tensor",
            r"can't convert cuda:\d+ device type tensor to numpy",
        ),
        "A tensor that was made in the model or loss lies on another device than the rest.",
        ("One is on {a}, another on {b}.", "One is on {a2}, another on {b2}."),
        (
            "register constants with self.register_buffer(name, tensor), so that they move with "
            "the model; make new tensors with device=x.device",
            "layers in a python list do not move: nn.ModuleList; tensor.cpu() before numpy()",
        ),
    ),
    FailureKind(
        "backward a second time",
        (r"Trying to backward through the graph a second time",),
        "A loss hangs together with an earlier one whose graph is gone: a state or a loss is "
        "carried from step to step with its history.",
        (),
        (
            "detach() what is kept from one step to the next (hidden states, running sums, a "
            "stored loss); compute anew in forward what depends on parameters",
            "retain_graph=True only where one graph is meant to be used twice in one step",
        ),
    ),
    FailureKind(
        "changed in place",
        (
            r"modified by an inplace operation: \[(?P<type>[\w.]+) \[(?P<shape>[\d, ]*)\]\], which "
            r"is output \d+ of (?P<operation>\w+)",
            r"modified by an inplace operation",
            r"a (?:leaf Variable|view of a leaf Variable) that requires grad is being used in an "
            r"in-place operation",
            r"Output \d+ of \w+ is a view and is being modified inplace",
        ),
        "A tensor that the backward pass needs was changed after it was used.",
        ("It is [{shape}], a result of {operation}.",),
        (
            "write x = x + y for x += y, F.relu(x) for inplace=True, and clone() before assigning "
            "to parts of a tensor",
            "torch.autograd.set_detect_anomaly(True) shows the line whose result was changed",
        ),
    ),
    FailureKind(
        "nothing to train",
        (
            r"does not require grad and does not have a grad_fn",
            r"optimizer got an empty parameter list",
            r"parameters that were not used in producing loss",
            r"Expected to have finished reduction in the prior iteration",
        ),
        "The loss does not depend on any parameter, or on only some of them: all are frozen, "
        "layers stand in a python list, or detach(), argmax or numpy cut the way.",
        (),
        (
            "layers in nn.ModuleList or as attributes; leave out detach, .item(), argmax and "
            "torch.no_grad between model and loss",
            "with several processes: every parameter takes part, or find_unused_parameters=True",
        ),
    ),
    FailureKind(
        "loss is no single number",
        (
            r"grad can be implicitly created only for scalar outputs",
            r"Boolean value of Tensor with more than one value is ambiguous",
            r"Inference tensors cannot be saved for backward",
            r"Can't call numpy\(\) on Tensor that requires grad",
        ),
        "A tensor was used as what it is not: a loss must be one number (its mean), a condition "
        "one value, a tensor of inference_mode no part of training, and numpy needs detach().",
        (),
        ("mean() of the loss; .any(), .all() or .item() in conditions; detach().cpu().numpy()",),
    ),
    FailureKind(
        "weights do not fit the model",
        (
            r"size mismatch for (?P<name>[\w.]+): copying a param with shape "
            r"torch\.Size\(\[(?P<has>[\d, ]*)\]\) from checkpoint, the shape in current model is "
            r"torch\.Size\(\[(?P<wants>[\d, ]*)\]\)",
            r"Missing key\(s\) in state_dict: \"(?P<missing>[\w.]+)\"",
            r"Unexpected key\(s\) in state_dict: \"(?P<unexpected>[\w.]+)\"",
            r"Error\(s\) in loading state_dict for (?P<model>\w+)",
            r"loaded state dict contains a parameter group that doesn't match",
            r"loaded state dict has a different number of parameter groups",
        ),
        "The saved weights are those of a model that is built otherwise: other sizes, another "
        "number of classes, or wrapped (names that begin with module. or _orig_mod.).",
        (
            "{name} is [{has}] in the file and [{wants}] in the model.",
            "The file lacks {missing}.",
            "Only the file has {unexpected}.",
        ),
        (
            "build the model with the settings it was saved with: they are in the run's "
            "config.toml",
            "train.weights_from takes what fits by name and shape, and an alert names the rest",
        ),
    ),
    FailureKind(
        "loss is NaN or infinite",
        (
            r"[Ll]oss is (?P<value>nan|inf|-inf|NaN)(?: at step (?P<step>[\d,]+))?",
            r"Function '(?P<function>\w+)' returned nan values",
            r"Input contains (?:NaN|infinity)",
            r"ValueError: Input X contains NaN",
            r"Gradient overflow\.  ?Skipping step",
        ),
        "A number grew beyond all bounds or was undefined: a learning rate that is too high, a log "
        "or division by zero, fp16's small range, or NaN in the data.",
        ("It was {value} at step {step}.", "It came from {function}."),
        (
            "go back and go on slower: tuitrain resume {run} --set optimizer.lr=LOWER, with "
            "train.clip_norm = 1; `tuitrain find-lr {preset}` measures which rates train",
            "train.precision = \"bf16\" or \"fp32\" where it is fp16; a schedule.warmup_steps",
            "`tuitrain data {preset}` says whether inputs or targets are not finite",
        ),
    ),
    FailureKind(
        "called with other arguments",
        (
            r"TypeError: (?P<function>[\w.<>]*forward)\(\) (?P<what>takes|missing|got) .*",
            r"TypeError: (?P<function>[\w.<>]+)\(\) (?P<what>takes|missing \d+ required|got an "
            r"unexpected keyword) .*",
            r"missing the required \"forward\" function",
        ),
        "A function or model was called with other arguments than it is written for: the data set "
        "yields more or fewer parts than it takes, or a library changed.",
        ("It is {function}.",),
        (
            "compare its signature with the call in the line above it; a model's forward gets what "
            "the data set yields as inputs",
            _LOOK_AT_DATA,
        ),
    ),
)  # fmt: skip
