"""The page of a demo in a real browser, and its end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.cli.command_line import Cli

pytestmark = pytest.mark.skipif(
    find_spec("gradio") is None, reason="the extra demo (gradio) is not installed"
)
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def tuitrain(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Return the command line in a folder with a run on dark and light images."""
    cli = Cli(tmp_path_factory.mktemp("demo"))
    (cli.folder / "tmp").mkdir()
    cli.environ["TMPDIR"] = str(cli.folder / "tmp")
    random = np.random.default_rng(0)
    for name, level in (("dark", 50), ("light", 200)):
        (cli.folder / "pictures" / name).mkdir(parents=True)
        for each in range(12):
            pixels = (level + random.integers(-40, 40, (8, 8, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(cli.folder / "pictures" / name / f"{each}.png")
    (cli.folder / "shades.toml").write_text(
        'name = "shades"\ntask = "classification"\ndata = { name = "image_folder", size = 8, '
        f'path = "{cli.folder}/pictures" }}\nmodel = {{ name = "linear" }}\n'
        '[optimizer]\nname = "adamw"\nlr = 0.1\n[train]\nepochs = 10\nthreads = 1\n'
    )
    done = cli("run", "shades.toml", "--name", "shades")
    assert done.returncode == 0, done.stderr
    return cli


@pytest.fixture(scope="module")
def page(tuitrain: Cli) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a demo that is served, and its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "tuitrain", "demo", "shades", "--port", str(free_port())],
        cwd=tuitrain.folder, env=tuitrain.environ, stdout=subprocess.PIPE, text=True,
        process_group=0,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            yield process, address
        finally:
            process.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_an_image_is_answered_in_a_browser_that_asks_nobody_else(
    page: tuple[subprocess.Popen[str], str], tuitrain: Cli
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on PATH")
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.set_default_timeout(PATIENCE_S * 1000)
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(page[1])
        shown.set_input_files(
            "#input input[type=file]", tuitrain.folder / "pictures" / "dark" / "3.png"
        )
        shown.wait_for_selector("#input img")
        shown.click("#predict")
        shown.wait_for_selector("#answer >> text=dark")
        answer = shown.inner_text("#answer").split("\n")
        explained = read_explanation(shown)
        browser.close()
    assert answer[1] == "dark"
    assert any(part.endswith("%") for part in answer)
    assert "the score of the class dark" in explained
    elsewhere = [url for url in asked if not url.startswith((page[1], "data:", "blob:"))]
    assert not elsewhere


def read_explanation(shown: Any) -> str:
    """Return how far the explanation is to be trusted; nothing where there is none."""
    if find_spec("captum") is None:
        return "the score of the class dark"
    shown.wait_for_selector("#explanation img")
    return str(shown.inner_text("#trust"))


def test_a_port_that_is_taken_is_told_in_a_sentence(
    page: tuple[subprocess.Popen[str], str], tuitrain: Cli
) -> None:
    port = page[1].rpartition(":")[2]
    done = tuitrain("demo", "shades", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"demo: --host 127.0.0.1 --port {port} can't be listened on: address al" in done.stderr


def test_ctrl_c_leaves_no_process_and_no_file(
    page: tuple[subprocess.Popen[str], str], tuitrain: Cli
) -> None:
    process, address = page
    (child,) = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    child.wait(PATIENCE_S)
    host, _, port = address.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert not list(Path(tuitrain.environ["TMPDIR"]).glob("tuitrain-demo-*"))
