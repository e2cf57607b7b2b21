"""What a service counts of itself, in the text form that Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class ServiceMetrics:
    """Counters of one service."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter(
            "tuitrain_requests", "Requests for predictions, by status.", ["status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "tuitrain_request_seconds", "From a request's body to its answer.", registry=registry
        )
        self._batch = Histogram(
            "tuitrain_batch_samples", "Samples that were run at once.", registry=registry,
            buckets=_BATCHES,
        )  # fmt: skip
        self._waiting = Gauge(
            "tuitrain_waiting_samples", "Samples that wait for the model.", registry=registry
        )

    def answered(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def ran(self, samples: int) -> None:
        """Count a batch."""
        self._batch.observe(samples)

    def text(self, waiting: int) -> bytes:
        """Return all of them, with how many samples wait now."""
        self._waiting.set(waiting)
        return generate_latest(self._registry)
