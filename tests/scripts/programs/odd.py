"""Forks, starts children, prints what is no text, reads its own sitecustomize, and exits with 3."""

import multiprocessing
import os
import subprocess
import sys

import sitecustomize


def child(number):
    import torch

    parameter = torch.nn.Parameter(torch.zeros(1))
    torch.optim.SGD([parameter], lr=0.1).step()
    return number


if __name__ == "__main__":
    print("own sitecustomize", sitecustomize.OWN)
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os._exit(5)
    print("forked", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print("spawned", multiprocessing.get_context("spawn").Pool(1).map(child, [7]))
    print("piped", sys.stdin.read())
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print('sub'); sys.exit(4)"], check=False
    )
    print("ran", done.returncode)
    sys.stdout.flush()
    os.write(1, bytes(range(256)) + b"\n")
    sys.exit(3)
