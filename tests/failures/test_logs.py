"""Failures known from logs alone: of GPUs, of several processes, of killed ones."""

import re

import pytest

from tuitrain.failures.explain import explain, unexplained
from tuitrain.failures.table import FAILURES

OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
    "capacity of 23.69 GiB of which 1.17 GiB is free. Including non-PyTorch memory, this process "
    "has 22.50 GiB memory in use. Of the allocated memory 20.11 GiB is allocated by PyTorch, and "
    "1.95 GiB is reserved by PyTorch but unallocated."
)
OLD_OOM = (
    "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 10.76 GiB total "
    "capacity; 9.71 GiB already allocated; 5.75 MiB free; 9.87 GiB reserved in total by PyTorch)"
)
ASSERTION = (
    "../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: block: "
    "[0,0,0], thread: [6,0,0] Assertion `t >= 0 && t < n_classes` failed."
)
ASSERTED = """Traceback (most recent call last):
  File "/home/me/train.py", line 41, in <module>
    loss.backward()
  File "/opt/venv/lib/python3.11/site-packages/torch/_tensor.py", line 581, in backward
    torch.autograd.backward(
RuntimeError: CUDA error: device-side assert triggered
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace
below might be incorrect.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
"""
WATCHDOG = (
    "[rank1]:[E1126 05:11:40.123 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective "
    "operation timeout: WorkNCCL(SeqNum=1204, OpType=ALLREDUCE, NumelIn=2362368, "
    "NumelOut=2362368, Timeout(ms)=600000) ran for 600031 milliseconds before timing out."
)


@pytest.mark.parametrize(
    ("line", "kind", "figures"),
    [
        (OOM, "out of device memory",
         "It was asked for 2.00 GiB. 1.17 GiB of 23.69 GiB were free on GPU 0."),
        (OLD_OOM, "out of device memory", "9.71 GiB of 10.76 GiB were taken on GPU 0."),
        ("RuntimeError: CUDA error: out of memory", "out of device memory", ""),
        ("out of memory at step 3 (cuda:0): asked for 2 GiB, 1 GiB of 24 GiB free",
         "out of device memory", ""),
        (ASSERTION, "class number out of range", ""),
        ("../aten/src/ATen/native/cuda/Indexing.cu:1308: indexSelectLargeIndex: block: [2,0,0], "
         "thread: [0,0,0] Assertion `srcIndex < srcSelectDimSize` failed.",
         "index out of range", ""),
        ("RuntimeError: CUDA error: device-side assert triggered", "device-side assert", ""),
        ("RuntimeError: CUDA error: an illegal memory access was encountered",
         "illegal memory access", ""),
        ("RuntimeError: CUDA error: uncorrectable ECC error encountered", "GPU fault", ""),
        ("[Mon Nov 2 10:00:00 2026] NVRM: Xid (PCI:0000:17:00): 79, pid=1234, GPU has fallen off "
         "the bus.", "GPU fault", ""),
        ("RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
         "CUDA library not initialised", ""),
        ("RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling "
         "`cublasCreate(handle)`", "CUDA library not initialised", ""),
        ("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling "
         "`cublasCreate(handle)`", "out of device memory", ""),
        ("RuntimeError: CUDA error: no kernel image is available for execution on the device",
         "GPU too new or too old for this torch", ""),
        ("NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current "
         "PyTorch installation.", "GPU too new or too old for this torch",
         "The GPU is of sm_120."),
        ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040). Please "
         "update your GPU driver", "driver too old", "CUDA version 11040"),
        ("Failed to initialize NVML: Driver/library version mismatch",
         "driver does not answer", ""),
        ("AssertionError: Torch not compiled with CUDA enabled", "no GPU", ""),
        ("RuntimeError: Attempting to deserialize object on a CUDA device but "
         "torch.cuda.is_available() is False.", "no GPU", ""),
        ("RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with "
         "multiprocessing, you must use the 'spawn' start method", "CUDA in a forked process", ""),
        ("RuntimeError: Expected all tensors to be on the same device, but found at least two "
         "devices, cuda:0 and cpu! (when checking argument for argument mat1 in method "
         "wrapper_CUDA_addmm)", "tensors on different devices",
         "One is on cuda:0, another on cpu."),
        ("RuntimeError: Expected all tensors to be on the same device, but got mat2 is on cpu, "
         "different from other tensors on cuda:0 (when checking argument in method wrapper)",
         "tensors on different devices", "One is on cpu, another on cuda:0."),
        ("RuntimeError: expected scalar type Long but found Float", "wrong type of targets",
         "Long is taken, Float was given."),
        ('RuntimeError: "nll_loss_forward_reduce_cuda_kernel_2d_index" not implemented for '
         "'Int'", "wrong type of targets", ""),
        (WATCHDOG, "ranks waited for each other", "Rank 1 waited in ALLREDUCE."),
        ("torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/"
         "NCCLUtils.hpp:275, unhandled system error (run with NCCL_DEBUG=INFO for details), NCCL "
         "version 2.21.5", "NCCL can't communicate", "It is NCCL 2.21.5."),
        ("ncclUnhandledCudaError: Call to CUDA function failed.", "NCCL can't communicate", ""),
        ("Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 4000",
         "two ranks on one GPU", "They are ranks 1 and 0."),
        ("torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 "
         "clients joined.", "ranks waited for each other",
         "1 of 2 processes came within 601 s."),
        ("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
         "another process failed first", ""),
        ("RuntimeError: Expected to have finished reduction in the prior iteration before "
         "starting a new one.", "nothing to train", ""),
        ("RuntimeError: operator torchvision::nms does not exist",
         "packages of different versions", "Missing is torchvision::nms."),
        ("ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 "
         "from C header, got 88 from PyObject", "packages of different versions", ""),
        ("A module that was compiled using NumPy 1.x cannot be run in NumPy 2.4.6 as it may "
         "crash.", "packages of different versions", ""),
        ("ImportError: /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found",
         "packages of different versions", "Missing is GLIBCXX_3.4.32."),
        ("OSError: [Errno 28] No space left on device: '/runs/a/checkpoints/last.tmp'",
         "disk full", "It was /runs/a/checkpoints/last.tmp."),
        ("RuntimeError: unable to write to file </torch_1234_567_0>: No space left on device",
         "loader worker without shared memory", ""),
        ("RuntimeError: received 0 items of ancdata", "too many open files", ""),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3.73 GiB for an array "
         "with shape (1000000000,) and data type float32", "out of host memory",
         "It was asked for 3.73 GiB."),
        ("the worker was killed by SIGKILL, as the kernel does when memory runs out",
         "killed", ""),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=123.batch. Some of the step "
         "tasks have been OOM Killed.", "killed for lack of memory", ""),
        ("[12.3] Out of memory: Killed process 4242 (python) total-vm:99kB",
         "killed for lack of memory", "It killed python (pid 4242)."),
        ("slurmstepd: error: *** JOB 123 ON n1 CANCELLED AT 2026-11-26T05:00:00 DUE TO TIME LIMIT "
         "***", "time limit of the job", ""),
        ("/var/spool/job/script: line 4: 991 Killed                  python train.py",
         "killed", ""),
        ("the worker was killed by SIGBUS, often a full /dev/shm", "killed by a bus error", ""),
        ("Fatal Python error: Segmentation fault", "crash in native code", ""),
        ("loss is nan at step 1,204; the state of step 1203 is saved: resume with a lower "
         "optimizer.lr", "loss is NaN or infinite", "It was nan at step 1,204."),
        ("RuntimeError: Function 'LogBackward0' returned nan values in its 0th output.",
         "loss is NaN or infinite", "It came from LogBackward0."),
        ("_pickle.UnpicklingError: invalid load key, '<'.", "file damaged or of another kind", ""),
        ("requests.exceptions.ConnectionError: ('Connection aborted.', "
         "ConnectionResetError(104, 'Connection reset by peer'))", "download failed", ""),
    ],
)  # fmt: skip
def test_a_line_is_known_with_its_figures(line: str, kind: str, figures: str) -> None:
    found = explain(f"epoch 1: 98 % |####\n{line}\n")[0]
    assert found.kind == kind
    assert figures in found.meaning
    assert found.line and found.line.removesuffix(" ...") in line
    assert found.advice


def test_the_assertion_goes_before_the_error_that_it_leads_to() -> None:
    found = explain(f"step 1\n{ASSERTION}\n{ASSERTED}")
    assert [each.kind for each in found] == ["class number out of range", "device-side assert"]
    assert str(found[0].place) == "/home/me/train.py line 41, in <module>"


def test_what_made_one_rank_fail_goes_before_what_the_others_saw() -> None:
    text = "\n".join([f"[rank0]: {OLD_OOM}", WATCHDOG, "ChildFailedError: "])
    found = explain(text)
    assert found[0].kind == "out of device memory"
    assert {each.kind for each in found[1:]} == {
        "ranks waited for each other",
        "another process failed first",
    }


def test_what_was_raised_last_goes_before_what_was_only_written() -> None:
    text = (
        "ModuleNotFoundError: No module named 'apex'\nusing the slow path\nTraceback (most recent "
        'call last):\n  File "/home/me/a.py", line 3, in f\n    g(x)\n'
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x7 and 8x4)\n"
        "The loss is nan sometimes, see the manual\n"
    )
    assert explain(text)[0].kind == "layer and input do not fit"


def test_a_line_that_a_terminal_coloured_and_progress_bars_overwrote_is_read() -> None:
    text = " 10%|#\r 20%|##\r\x1b[31mRuntimeError: CUDA error: out of memory\x1b[0m\r\n"
    [found] = explain(text)
    assert (found.kind, found.line) == (
        "out of device memory",
        "RuntimeError: CUDA error: out of memory",
    )


def test_commands_name_the_run_and_its_preset_where_they_are_known() -> None:
    advice = explain(OOM, run="demo-1", preset="runs/demo-1/config.toml")[0].advice
    assert any("tuitrain find-batch-size runs/demo-1/config.toml" in each for each in advice)
    killed = explain("exit code -9", run="demo-1")[0]
    assert killed.advice[-1] == "tuitrain resume demo-1 goes on from the last checkpoint"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch 3: loss 0.12, accuracy 0.96\nsaved checkpoint\n",
        "UserWarning: The dataloader does not have many workers\nINFO: killed 0 zombies\n",
        "Downloading data (no errors)\nall samples have the same size\n",
    ],
)
def test_a_log_without_a_failure_says_nothing(text: str) -> None:
    assert explain(text) == ()
    assert unexplained(text) is None


def test_an_error_that_is_not_known_is_told_with_its_place() -> None:
    text = (
        'Traceback (most recent call last):\n  File "/home/me/mine.py", line 7, in forward\n'
        "    return self.table[key]\n           ~~~~~~~~~~^^^^^\nKeyError: 'b'\n"
    )
    found = unexplained(text)
    assert explain(text) == () and found is not None
    assert (found.kind, found.line) == ("error", "KeyError: 'b'")
    assert str(found.place) == "/home/me/mine.py line 7, in forward"


def test_every_kind_has_a_name_of_its_own_and_texts_that_can_be_filled() -> None:
    names = [kind.name for kind in FAILURES]
    assert len(set(names)) == len(names)
    for kind in FAILURES:
        groups = {name for pattern in kind.patterns for name in re.compile(pattern).groupindex}
        used = set(re.findall(r"\{(\w+)\}", " ".join(kind.figures)))
        assert used <= groups, kind.name
        assert kind.meaning and kind.advice and kind.patterns
