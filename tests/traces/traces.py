"""Traces made by hand, in the form in which torch.profiler exports them from a CUDA machine.

Categories and arguments as Kineto writes them: `cpu_op`, `cuda_runtime`, `kernel`, `gpu_memcpy`.
"""

import gzip
import json
from pathlib import Path
from typing import Any

HOST, MAIN, AUTOGRAD = 4242, 4242, 4300
BASE_US = 4402613673367.0
"""Kineto's times are large: rounding must not matter."""
STEP_US = 1000.0

Event = dict[str, Any]


def span(
    category: str, name: str, start: float, duration: float, thread: int = MAIN, **given: Any
) -> Event:
    return {
        "ph": "X",
        "cat": category,
        "name": name,
        "pid": HOST,
        "tid": thread,
        "ts": BASE_US + start,
        "dur": duration,
        "args": given,
    }


def operator(name: str, start: float, duration: float, thread: int = MAIN, **given: Any) -> Event:
    return span("cpu_op", name, start, duration, thread, **given)


def launch(start: float, correlation: int, thread: int = MAIN) -> Event:
    return span(
        "cuda_runtime", "cudaLaunchKernel", start, 8, thread, correlation=correlation, cbid=211
    )


def kernel(name: str, start: float, duration: float, correlation: int) -> Event:
    event = span("kernel", name, start, duration, 7, correlation=correlation, device=0, stream=7)
    return {**event, "pid": 0}


def copy(start: float, duration: float, correlation: int, size_bytes: int) -> Event:
    name = "Memcpy HtoD (Pinned -> Device)"
    given = {"correlation": correlation, "device": 0, "stream": 7, "bytes": size_bytes}
    return {**span("gpu_memcpy", name, start, duration, 7, **given), "pid": 0}


def allocation(start: float, size_bytes: int, thread: int = MAIN, *, on_device: bool) -> Event:
    given = {"Bytes": size_bytes, "Device Type": 1 if on_device else 0, "Addr": 1}
    return {
        "ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]", "pid": HOST,
        "tid": thread, "ts": BASE_US + start, "args": given,
    }  # fmt: skip


def named(thread: int, name: str) -> Event:
    return {"ph": "M", "name": "thread_name", "pid": HOST, "tid": thread, "args": {"name": name}}


def one_step(number: int, start: float, key: int) -> list[Event]:
    """Return a step of 1000 us: a copy, a convolution with its backward pass, an update.

    The device works 100 (copy) + 300 (forward) + 200 (backward) + 100 (update) = 700 us of it; it
    idles 100 us before its first kernel and 200 us while the host waits for a value.
    """
    a = start
    return [
        span("user_annotation", f"ProfilerStep#{number}", a, STEP_US),
        span("python_function", "net.py(10): forward", a + 90, 150, CallFrom="train.py:20"),
        span("user_annotation", "module: net (Net)", a + 92, 146),
        span("user_annotation", "module: net.conv (Conv2d)", a + 95, 140),
        span("python_function", "torch/nn/modules/conv.py(5): forward", a + 96, 130,
             CallFrom="net.py:12"),
        operator("aten::copy_", a + 20, 50),
        span("cuda_runtime", "cudaMemcpyAsync", a + 30, 20, correlation=key),
        copy(a + 100, 100, key, 4096),
        operator("aten::conv2d", a + 100, 120, **{"Sequence number": key, "Fwd thread id": 0}),
        operator("aten::cudnn_convolution", a + 110, 100,
                 **{"Sequence number": key, "Fwd thread id": 0, "External id": key,
                    "Input Dims": [[8, 3, 32, 32], [64, 3, 7, 7], []]}),
        launch(a + 150, key + 1),
        kernel("implicit_convolve_sgemm<float>", a + 200, 300, key + 1),
        allocation(a + 120, 65536, on_device=True),
        operator("aten::item", a + 300, 500),
        span("cuda_runtime", "cudaStreamSynchronize", a + 310, 480, correlation=key + 5),
        operator("autograd::engine::evaluate_function: ConvolutionBackward0", a + 260, 200,
                 AUTOGRAD, **{"Sequence number": key, "Fwd thread id": 1}),
        operator("aten::convolution_backward", a + 270, 180, AUTOGRAD),
        launch(a + 300, key + 2, AUTOGRAD),
        kernel("dgrad_engine<float>", a + 500, 200, key + 2),
        span("user_annotation", "Optimizer.step#AdamW.step", a + 820, 120),
        operator("aten::_fused_adamw_", a + 830, 100),
        launch(a + 840, key + 3),
        kernel("multi_tensor_apply_kernel", a + 900, 100, key + 3),
    ]  # fmt: skip


def cuda_events(steps: int = 3) -> list[Event]:
    """Return steps that follow each other without a pause."""
    events = [named(MAIN, "python"), named(AUTOGRAD, "pt_autograd_0")]
    for number in range(steps):
        events += one_step(100 + number, number * STEP_US, 1000 + 10 * number)
    # An evaluation before the first step is no part of it.
    return [*events, operator("aten::relu", -500, 100), kernel("relu", -450, 100, 7777)]


def write_trace(path: Path, events: list[Event]) -> Path:
    """Write events as torch does, packed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"schemaVersion": 1, "deviceProperties": [{"id": 0}], "traceEvents": events,
             "traceName": "trace.json"}  # fmt: skip
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(whole, file, indent=1)
    return path
