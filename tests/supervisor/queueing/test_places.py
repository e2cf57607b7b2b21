"""Which GPU is free: NVML's readings over half a minute, and a lease that nobody else holds."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.telemetry.nvml import GIB, Nvml, card, process
from tuitrain.errors import UsageError
from tuitrain.supervisor.queueing.leases import Leases, Tenant, tenant_of
from tuitrain.supervisor.queueing.occupants import occupants
from tuitrain.supervisor.queueing.places import GpuPlaces, Slots
from tuitrain.supervisor.queueing.standing import only_visible
from tuitrain.supervisor.queueing.wish import (
    Wish,
    leases_folder,
    parse_size,
    refuse_under_scheduler,
)
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.owners import Owners

MUCH = SimpleNamespace(used=20 * GIB, total=80 * GIB, reserved=GIB, free=59 * GIB)
NONE = SimpleNamespace(used=GIB, total=80 * GIB, reserved=GIB, free=78 * GIB)
MIG = "MIG-uuid-1"
EMPTY_ONE = Wish()


def tenant(run: str, user: str = "me", pid: int = 1) -> Tenant:
    return Tenant(user, "box", pid, run, f"/runs/{run}", 100.0)


class Box:
    """GPUs whose memory a test sets, and a clock that it moves."""

    def __init__(self, folder: Path, *cards: Any, **environ: str) -> None:
        self.now = 0.0
        self.nvml = Nvml(*cards)
        gpus = GpuSampler(self.nvml, Owners(sees_all=True), clock=lambda: self.now)
        self.places = GpuPlaces(
            folder,
            gpus,
            environ=environ,
            steady=lambda: self.now,
            wall=lambda: 1000.0 + self.now,
        )

    def free(self, wish: Wish = EMPTY_ONE, *, after_s: float = 0.0) -> list[str]:
        """Return what is free after a time in which the GPUs were read each second."""
        for _ in range(int(after_s)):
            self.now += 1
            self.places.look()
        return self.places.free(wish)

    def use(self, index: int, memory: Any) -> None:
        self.nvml.cards[index] |= {"MemoryInfo": memory, "MemoryInfo_v2": memory}


def idle(index: int = 0, **changes: Any) -> dict[str, Any]:
    return card(index, MemoryInfo=NONE, MemoryInfo_v2=NONE, **changes)


def test_a_gpu_counts_as_free_once_it_has_been_so_for_half_a_minute(tmp_path: Path) -> None:
    box = Box(tmp_path, idle(0), card(1))
    assert box.free(after_s=20) == []
    assert box.free(after_s=11) == ["gpu-GPU-00000000"]
    box.use(0, MUCH)
    assert box.free(after_s=1) == []
    box.use(0, NONE)
    assert box.free(after_s=25) == []
    assert box.free(after_s=10) == ["gpu-GPU-00000000"]


def test_memory_that_a_notebook_holds_counts_though_nothing_computes(tmp_path: Path) -> None:
    box = Box(tmp_path, card(0, UtilizationRates=SimpleNamespace(gpu=0, memory=0)))
    assert box.free(after_s=40) == []
    assert box.free(Wish(memory_bytes=10 * GIB)) == ["gpu-GPU-00000000"]
    assert box.free(Wish(memory_bytes=70 * GIB)) == []


def test_a_process_without_memory_to_tell_of_counts_too(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as other:
        box = Box(tmp_path, idle(0, ComputeRunningProcesses_v3=[process(other.pid, None)]))
        assert box.free(after_s=40) == []
        [found] = occupants(tmp_path, box.places, Wish())
        assert found.words.startswith("GPU 0: ")
        assert found.user
        assert found.since is not None
        other.communicate(b"\n")


def test_a_lease_decides_whatever_is_read_and_tells_who_has_it(tmp_path: Path) -> None:
    box = Box(tmp_path, idle(0), idle(1))
    alice, bob = (Leases(tmp_path, tenant(name, name)) for name in ("alice", "bob"))
    assert box.free(after_s=40) == ["gpu-GPU-00000000", "gpu-GPU-00000001"]
    assert alice.take(["gpu-GPU-00000000"])
    assert not bob.take(["gpu-GPU-00000001", "gpu-GPU-00000000"])
    assert bob.names == ()
    assert box.free() == ["gpu-GPU-00000001"]
    assert [each.words for each in occupants(tmp_path, box.places, Wish())] == [
        "GPU 0: alice, alice"
    ]
    alice.release(1000.0 + box.now)
    assert bob.take(["gpu-GPU-00000000"])
    bob.release()


def test_what_a_run_gave_back_needs_no_half_minute(tmp_path: Path) -> None:
    box = Box(tmp_path, idle(0))
    lease = Leases(tmp_path, tenant("before"))
    assert lease.take(["gpu-GPU-00000000"])
    assert box.free(after_s=1) == []
    lease.release(1000.0 + box.now)
    assert box.free(after_s=1) == ["gpu-GPU-00000000"]


def test_the_kernel_gives_a_lease_back_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tuitrain.supervisor.queueing.leases import Leases, Tenant\n"
        "held = Leases(Path(sys.argv[1]), Tenant('alice', 'box', 7, 'hers', '/hers', 1.0))\n"
        "print(held.take(['slot-1']), flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        slots = Slots(tmp_path, 2)
        assert slots.free(Wish()) == ["slot-2"]
        assert tenant_of(tmp_path, "slot-1") == Tenant("alice", "box", 7, "hers", "/hers", 1.0)
        mine = Leases(tmp_path, tenant("mine"))
        assert not mine.take(["slot-1"])
        holder.kill()
    assert slots.free(Wish()) == ["slot-1", "slot-2"]
    assert mine.take(["slot-1"])
    mine.release()


def test_in_a_folder_that_users_share_each_may_lock_what_another_made(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder, mode in ((own, 0o700), (shared, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
        lease = Leases(folder, tenant("first"))
        assert lease.take(["slot-1"])
        lease.release()
    assert (own / "slot-1.lock").stat().st_mode & 0o777 == 0o600
    assert (shared / "slot-1.lock").stat().st_mode & 0o777 == 0o666


def test_instances_of_a_gpu_that_is_cut_are_leased_one_by_one(tmp_path: Path) -> None:
    small = SimpleNamespace(used=0, total=10 * GIB, reserved=0, free=10 * GIB)
    part = {"Name": "H100 MIG 1g.10gb", "UUID": MIG, "MemoryInfo": small, "MemoryInfo_v2": small}
    box = Box(tmp_path, card(0, MigMode=(1, 1), slices={3: part}))
    assert box.free(after_s=40) == [f"gpu-{MIG}"]
    [place] = box.places.all()
    assert (place.title, place.device) == ("GPU 0 1g.10gb", MIG)
    environ = {"CUDA_VISIBLE_DEVICES": "0"}
    with only_visible([place], environ):
        assert environ == {"CUDA_VISIBLE_DEVICES": MIG}
    assert environ == {"CUDA_VISIBLE_DEVICES": "0"}


def test_gpus_that_the_user_made_invisible_are_no_places(tmp_path: Path) -> None:
    box = Box(tmp_path, idle(0), idle(1), idle(2), CUDA_VISIBLE_DEVICES="GPU-00000000,2")
    assert box.free(after_s=40) == ["gpu-GPU-00000000", "gpu-GPU-00000002"]


def test_what_can_never_be_had_is_refused_at_once(tmp_path: Path) -> None:
    box = Box(tmp_path, idle(0))
    box.places.look()
    box.places.check(Wish(memory_bytes=80 * GIB))
    with pytest.raises(UsageError, match="2 GPUs asked for; this box has 1 such of 1"):
        box.places.check(Wish(places=2))
    with pytest.raises(UsageError, match="1 GPU with 90 GiB asked for; this box has 0 such of 1"):
        box.places.check(Wish(memory_bytes=90 * GIB))
    with pytest.raises(UsageError, match="3 slots were asked for, there are 2"):
        Slots(tmp_path, 2).check(Wish(places=3))
    with pytest.raises(UsageError, match="job 17 of SLURM has its GPUs from the scheduler"):
        refuse_under_scheduler({"SLURM_JOB_ID": "17"})
    with pytest.raises(UsageError, match="mkdir -m 1777"):
        leases_folder({"TUITRAIN_LEASES": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("text", "size"),
    [("10GiB", 10 * GIB), ("10g", 10 * GIB), ("512 MiB", GIB // 2), ("1.5G", 3 * GIB // 2)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "ten", "-1G", "0", "5 apples"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="must be a size such as 10GiB"):
        parse_size(text)
