from pathlib import Path

import pytest

from tuitrain.runs.storage.filesystem import file_system_type, is_network


def test_the_longest_mount_point_decides() -> None:
    mounts = [("/", "ext4"), ("/data", "nfs4"), ("/data/local", "xfs"), ("/da", "tmpfs")]
    assert file_system_type(Path("/data/runs/new"), mounts) == "nfs4"
    assert file_system_type(Path("/data/local/runs"), mounts) == "xfs"
    assert file_system_type(Path("/database"), mounts) == "ext4"


def test_of_two_mounts_on_one_point_the_later_counts() -> None:
    assert file_system_type(Path("/m"), [("/m", "autofs"), ("/m", "nfs")]) == "nfs"


def test_this_machines_own_file_systems_have_a_type(tmp_path: Path) -> None:
    assert file_system_type(tmp_path / "not" / "there" / "yet") != "unknown"


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "fuse.sshfs",
             "9p", "afs", "ceph", "fuse.glusterfs"]
)  # fmt: skip
def test_network_file_systems_are_known(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk"])
def test_local_file_systems_are_not_taken_for_network_ones(kind: str) -> None:
    assert not is_network(kind)
