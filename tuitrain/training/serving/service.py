"""The service: which path is answered by what, and who may ask.

Knows HTTP; what a request's samples are, and how they are run, is known elsewhere.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from torch import Tensor

from tuitrain.errors import TuitrainError
from tuitrain.training.evaluating.predictor import Predictor, Words
from tuitrain.training.serving.batching import Batcher, BusyError
from tuitrain.training.serving.metrics import CONTENT_TYPE, ServiceMetrics
from tuitrain.training.serving.samples import read_samples

_MOST_BODY = 64 << 20
"""Bytes of a request's body."""
_MOST_WAITING = 4096
"""Samples that may wait for the model; more are refused, so that answers do not grow old."""


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and how."""

    predictor: Predictor
    card: dict[str, Any]
    """What the model is, as JSON data."""
    batch: int
    """Samples that are run at once."""
    token: str
    """What a request must have as bearer token; empty: none."""


class Service:
    """Answers requests about one model."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._metrics = ServiceMetrics()
        self._batcher: Batcher | None = None

    def app(self) -> FastAPI:
        """Return what a server runs; its pages of documents need a network and are left out."""
        app = FastAPI(
            title="tuitrain", docs_url=None, redoc_url=None, openapi_url=None,
            lifespan=self._lifespan,
        )  # fmt: skip
        app.add_api_route("/health", self.health, methods=["GET"])
        app.add_api_route("/model", self.model, methods=["GET"])
        app.add_api_route("/metrics", self.metrics, methods=["GET"])
        app.add_api_route("/predict", self.predict, methods=["POST"])
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        self._batcher = Batcher(
            self._served.predictor.outputs, most=self._served.batch, most_waiting=_MOST_WAITING,
            told=self._metrics.ran,
        )  # fmt: skip
        self._batcher.start()
        yield
        await self._batcher.stop()

    async def health(self) -> Response:
        """Say that requests are answered; anybody may ask."""
        return JSONResponse({"status": "ok"})

    async def model(self, request: Request) -> Response:
        """Say what the model is."""
        return self._refusal(request) or JSONResponse(self._served.card)

    async def metrics(self, request: Request) -> Response:
        """Say what was counted."""
        waiting = self._batcher.waiting if self._batcher is not None else 0
        return self._refusal(request) or Response(
            self._metrics.text(waiting), media_type=CONTENT_TYPE
        )

    async def predict(self, request: Request, top: int = 1) -> Response:
        """Answer what the model says of a request's samples, in their order."""
        begun = time.perf_counter()
        response = self._refusal(request) or await self._predicted(request, max(1, top))
        self._metrics.answered(response.status_code, time.perf_counter() - begun)
        return response

    async def _predicted(self, request: Request, top: int) -> Response:
        body = await _body(request)
        if body is None:
            return _error(413, f"the body has more than {_MOST_BODY:,} bytes")
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            words = await self._words(content_type, body, top)
        except BusyError:
            text = f"{_MOST_WAITING:,} samples wait already; ask again in a moment"
            return _error(503, text, {"Retry-After": "1"})
        except TuitrainError as error:
            return _error(422, str(error))
        return JSONResponse({"predictions": words})

    async def _words(self, content_type: str, body: bytes, top: int) -> list[Words]:
        if self._batcher is None:
            raise BusyError
        predictor = self._served.predictor
        groups = await asyncio.to_thread(read_samples, predictor.reader, content_type, body)
        outputs = await self._batcher.outputs(groups)
        pairs = zip(outputs, groups, strict=True)
        return [word for each, inputs in pairs for word in self._said(each, inputs, top)]

    def _said(self, outputs: Tensor, inputs: Tensor, top: int) -> list[Words]:
        predictor = self._served.predictor
        words = predictor.words(outputs, top)
        if words and "mse" in words[0]:
            return predictor.words(outputs, top, predictor.prepared(inputs))
        return words

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to who may not ask; None: may."""
        token = self._served.token
        if not token:
            return None
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        text = "the request needs the header `Authorization: Bearer TOKEN` with the right token"
        return _error(401, text, {"WWW-Authenticate": "Bearer"})


async def _body(request: Request) -> bytes | None:
    """Return a request's body; None: it is too large, and the rest of it is not read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status_code=status, headers=headers)
