from pathlib import Path

from tuitrain.telemetry.cgroup import Usage, find_limit

MACHINE = 1000


def group(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")
    return folder


def member(folder: Path, *lines: str) -> Path:
    path = folder / "membership"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_the_tightest_limit_counts_and_files_not_touched_of_late_do_not(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root / "slurm", memory__max="500", memory__current="400",
          memory__stat="anon 200\ninactive_file 150\nactive_file 50")  # fmt: skip
    group(root / "slurm" / "job" / "step", memory__max="max", memory__current="100")
    read = find_limit(MACHINE, root, member(tmp_path, "0::/slurm/job/step"))
    assert read is not None
    assert read() == Usage(250, 500)


def test_the_first_version_has_other_names(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root / "memory" / "docker", memory__limit_in_bytes="300", memory__usage_in_bytes="120",
          memory__stat="inactive_file 1\ntotal_inactive_file 20")  # fmt: skip
    lines = ("8:pids:/docker", "5:memory:/docker", "1:name=systemd:/docker")
    read = find_limit(MACHINE, root, member(tmp_path, *lines))
    assert read is not None
    assert read() == Usage(100, 300)


def test_in_a_container_the_groups_own_folder_is_the_root(tmp_path: Path) -> None:
    root = group(tmp_path / "cgroup", memory__max="400", memory__current="50")
    read = find_limit(MACHINE, root, member(tmp_path, "0::/"))
    assert read is not None
    assert read() == Usage(50, 400)


def test_no_limit_or_one_above_the_machine_is_none(tmp_path: Path) -> None:
    root = group(tmp_path / "cgroup", memory__max="max", memory__current="50")
    assert find_limit(MACHINE, root, member(tmp_path, "0::/")) is None
    group(root, memory__max="9223372036854771712")
    assert find_limit(MACHINE, root, member(tmp_path, "0::/")) is None
    assert find_limit(MACHINE, root, tmp_path / "nothing") is None


def test_a_group_that_goes_away_tells_nothing(tmp_path: Path) -> None:
    root = group(tmp_path / "cgroup", memory__max="400", memory__current="50")
    read = find_limit(MACHINE, root, member(tmp_path, "0::/"))
    assert read is not None
    (root / "memory.current").unlink()
    assert read() is None
