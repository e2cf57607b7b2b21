import os
import subprocess
import sys
from pathlib import Path

from tests.telemetry.nvml import Nvml, card, process
from tests.telemetry.test_sampler import until
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.machine import MachineSampler
from tuitrain.telemetry.owners import Owners, ancestors_of, rank_of


def test_host_cores_and_gpus_are_read_and_nothing_of_the_reader_itself(tmp_path: Path) -> None:
    nvml = Nvml(card(ComputeRunningProcesses_v3=[process(os.getpid(), 2**30)]))
    found = MachineSampler(
        tmp_path / "not" / "there yet", lambda: GpuSampler(nvml, Owners(sees_all=True))
    )
    reading = until(lambda: "gpu0/power_w" in (seen := found.read()).samples and seen)
    assert len(reading.cores) == os.cpu_count()
    assert reading.samples["gpu0/power_limit_w"] == 700.0
    assert reading.samples["host/disk_total_bytes"] > 0
    assert not [name for name in reading.samples if name.startswith(("host/worker", "host/main"))]
    until(lambda: found.read().facts.get("gpus"))
    (gpu,) = found.read().facts["gpus"]
    assert gpu["temperature_limit_c"] == 87
    assert gpu["processes"][0]["started"] > 0
    found.close()


def test_a_process_tells_its_rank_and_whom_it_comes_from() -> None:
    environ = {**os.environ, "RANK": "3"}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                          env=environ) as child:  # fmt: skip
        # Right after a start there is no environment yet to be read.
        assert until(lambda: rank_of(child.pid)) == 3
        assert ancestors_of(child.pid)[:2] == (child.pid, os.getpid())
        assert child.stdin is not None
        child.stdin.write(b"\n")
    assert rank_of(2**22 + 5) is None
    assert ancestors_of(2**22 + 5) == (2**22 + 5,)
