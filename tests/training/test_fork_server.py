"""Copies of a process are started by a server that is one itself; killed ones leave no folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tuitrain.training.runtime.work_folder import make_work_folder

SCRIPT = """
import ctypes, multiprocessing, os, signal, sys, threading, time
from tuitrain.training.runtime import fork_server

marked, held = [], os.pipe()
if __name__ == "__main__":
    marked.append("before")

def child(answers):
    answers.put((list(marked), os.getppid() == os.getpid(), multiprocessing.parent_process().pid))
    os.kill(os.getpid(), signal.SIGKILL)

def hang(answers):
    fork_server.die_with_parent()
    answers.put(os.getpid())
    # In a library that lets no other thread go on.
    ctypes.PyDLL(None).sleep(1000)

def serve():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    assert fork_server.start_method() == "spawn"
    fork_server.begin_fork_server()
    fork_server.begin_fork_server()
    marked.append("after")
    # Whoever waits for the end of this process sees it by such a pipe.
    os.close(held[1])
    assert os.read(held[0], 1) == b""
    context = multiprocessing.get_context(fork_server.start_method())
    server = multiprocessing.forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGTERM)
    answers = context.SimpleQueue()
    started = context.Process(target=child, args=(answers,))
    started.start()
    assert answers.get() == (["before"], False, os.getpid())
    started.join()
    assert started.exitcode == -signal.SIGKILL
    context.Process(target=hang, args=(answers,)).start()
    print(server, answers.get(), flush=True)
    if "end" in sys.argv:
        fork_server.end_fork_server()
        assert fork_server.start_method() == "spawn"
    os._exit(0)

if __name__ == "__main__":
    serve()
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def test_children_are_copies_and_none_is_left(tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(SCRIPT)
    environ = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    for word in ("end", "leave"):
        command = [sys.executable, "-W", "error", str(script), word]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert (done.returncode, done.stderr) == (0, "")
        pids, deadline = [int(pid) for pid in done.stdout.split()], time.monotonic() + 60
        while not all(map(gone, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert all(map(gone, pids))
        left = sorted(path.name.rpartition("-")[0] for path in tmp_path.glob("tuitrain-*"))
        assert left == ([] if word == "end" else ["tuitrain-fork"])


def test_folders_of_processes_that_were_killed_are_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tuitrain.training.runtime.work_folder import make_work_folder\n"
        "print(make_work_folder('tuitrain-x-', Path(sys.argv[1]))); sys.stdout.flush()\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    killed, mine = Path(done.stdout.strip()), make_work_folder("tuitrain-x-", tmp_path)
    stranger = tmp_path / "tuitrain-x-stranger"
    stranger.mkdir()
    for folder in (killed, mine):
        # A lock that was made just now is left alone.
        assert folder.is_dir()
        os.utime(folder / ".lock", (0, 0))
    new = make_work_folder("tuitrain-x-", tmp_path)
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {mine, new, stranger}
