"""A run's model behind HTTP, asked by a real client."""

import base64
import io
import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from tests.cli.command_line import IRIS, Cli, Trained

for library in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(library, reason="tuitrain[serve] is not installed")

COLUMNS = ("petal width (cm)", "sepal length (cm)", "sepal width (cm)", "petal length (cm)")
FLOWERS = [(0.2, 5.1, 3.5, 1.4), (2.3, 6.7, 3.1, 5.6), (1.3, 5.7, 2.8, 4.1)]
TABLE = "\n".join(",".join(map(str, row)) for row in [COLUMNS, *FLOWERS]) + "\n"


class Server:
    """A model that is served."""

    def __init__(self, box: Cli, *arguments: str) -> None:
        self.process = box.start("serve", *arguments, "--port", "0")
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def ask(
        self, path: str, body: bytes | None = None, kind: str = "", token: str = ""
    ) -> tuple[int, Any]:
        """Return status and answer."""
        assert self.address, self.process.communicate()[1]
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                text = response.read().decode()
                return response.status, text if path == "/metrics" else json.loads(text)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def end(self, number: int) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=120)
        return self.process.returncode


@pytest.fixture(scope="module")
def box(trained: Trained) -> Cli:
    """Return the command line in a folder where flowers and digits were trained on."""
    return trained(
        IRIS, "digits-cnn --name digits --set train.epochs=1 --set schedule.warmup_steps=5"
    )


@pytest.fixture(scope="module")
def flowers(box: Cli) -> Iterator[Server]:
    """Return a model of rows that is served; Ctrl-C ends it well."""
    server = Server(box, "long")
    yield server
    assert server.end(signal.SIGINT) == 0


def test_it_says_what_it_serves(flowers: Server) -> None:
    assert flowers.ask("/health") == (200, {"status": "ok"})
    status, card = flowers.ask("/model")
    assert status == 200
    assert card["checkpoint"] == "best"
    assert card["classes"] == ["setosa", "versicolor", "virginica"]
    assert card["takes"] == "rows"


def test_it_answers_as_predict_does_in_both_forms(flowers: Server, box: Cli) -> None:
    file = box.folder / "flowers.csv"
    file.write_text(TABLE)
    out = box("predict", "long", str(file), "--json", "--top", "3").stdout
    said = [row["classes"] for row in json.loads(out)["predictions"]]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in FLOWERS]
    for body, kind in ((TABLE, "text/csv"), (json.dumps({"rows": rows}), "application/json")):
        status, answer = flowers.ask("/predict?top=3", body.encode(), kind)
        assert status == 200
        for mine, theirs in zip(answer["predictions"], said, strict=True):
            assert [c["class"] for c in mine["classes"]] == [c["class"] for c in theirs]
            assert [c["probability"] for c in mine["classes"]] == pytest.approx(
                [c["probability"] for c in theirs], rel=1e-5
            )


def test_many_clients_at_once_each_get_their_own_answer_from_common_batches(
    flowers: Server,
) -> None:
    def alone(row: tuple[float, ...]) -> Any:
        body = json.dumps({"rows": [dict(zip(COLUMNS, row, strict=True))]}).encode()
        return flowers.ask("/predict", body, "application/json")

    expected = [alone(row)[1]["predictions"][0]["classes"][0] for row in FLOWERS]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(alone, FLOWERS * 100))
    for number, (status, answer) in enumerate(answers):
        mine, alike = answer["predictions"][0]["classes"][0], expected[number % len(FLOWERS)]
        assert status == 200
        assert mine["class"] == alike["class"]
        assert mine["probability"] == pytest.approx(alike["probability"], rel=1e-4)
    text = flowers.ask("/metrics")[1]
    counted = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(counted["tuitrain_batch_samples_sum"]) >= 300
    assert float(counted["tuitrain_batch_samples_count"]) < float(
        counted["tuitrain_batch_samples_sum"]
    ), "requests that wait are run at once"
    assert float(counted['tuitrain_requests_total{status="200"}']) >= 300


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "text/csv", "no body"),
        (b"{", "application/json", "no JSON"),
        (b'{"texts": ["a"]}', "application/json", "no list 'rows'"),
        (b'{"rows": [1]}', "application/json", "row 1 is no object"),
        (b'{"rows": [{"a": 1}, {"b": 1}]}', "application/json", "row 2 has other columns"),
        (b'{"rows": [{"a": 1}]}', "application/json", "the rows lacks the column"),
        (b"a,b\n1,2\n", "text/csv", "the table lacks the column"),
        (b"x", "image/png", "a body of type image/png is not read here"),
    ],
)
def test_a_body_that_will_not_do_is_refused_in_a_sentence(
    flowers: Server, body: bytes, kind: str, said: str
) -> None:
    status, answer = flowers.ask("/predict", body, kind)
    assert status == 422
    assert said in answer["error"]
    assert "/tmp" not in answer["error"]


def test_images_and_a_token(box: Cli) -> None:
    server = Server(box, "digits", "--token", "open sesame")
    content = io.BytesIO()
    Image.new("L", (8, 8), 128).save(content, "png")
    one = content.getvalue()
    try:
        assert server.ask("/health")[0] == 200
        for token in ("", "wrong"):
            for path, body in (("/predict", one), ("/model", None)):
                assert server.ask(path, body, "image/png", token)[0] == 401
        status, answer = server.ask("/predict?top=2", one, "image/png", "open sesame")
        assert status == 200
        assert len(answer["predictions"][0]["classes"]) == 2
        two = json.dumps({"images": [base64.b64encode(one).decode()] * 2}).encode()
        status, answers = server.ask("/predict?top=2", two, "application/json", "open sesame")
        for each in answers["predictions"]:
            named = {one["class"]: one["probability"] for one in each["classes"]}
            first = answer["predictions"][0]["classes"][0]
            assert named[first["class"]] == pytest.approx(first["probability"], rel=1e-4)
        assert len(answers["predictions"]) == 2
        status, answer = server.ask("/predict", b"none", "image/png", "open sesame")
        assert (status, answer) == (422, {"error": "the image is no image that can be read"})
    finally:
        assert server.end(signal.SIGTERM) in {-signal.SIGTERM, 143}


def test_an_address_that_can_not_be_had_is_said_before_the_model_is_loaded(box: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = box("serve", "long", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"tuitrain: 127.0.0.1:{port} can't be listened at: Address already in use; "
        "--port 0 takes a port that is free\n"
    )
