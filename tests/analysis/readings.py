"""Readings of devices' memory as they may come, for tests of what is made of them."""

from typing import Any

from hypothesis import strategies as st

GIB = 1024**3
sizes = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-10, 200 * GIB).map(float),
)
names = (
    "gpu0/memory_used_bytes", "gpu0/memory_reserved_bytes", "gpu0/worker_bytes",
    "gpu0/others_bytes", "torch/allocated_bytes", "torch/reserved_bytes",
    "host/memory_used_bytes", "host/main_rss_bytes", "host/loaders_rss_bytes", "host/loaders",
)  # fmt: skip
totals = ("gpu0/memory_total_bytes", "host/memory_total_bytes")


@st.composite
def readings(draw: Any) -> dict[str, float]:
    found = {name: draw(sizes) for name in names if name != "host/loaders"}
    found |= {name: float(draw(st.integers(0, 200 * GIB))) for name in totals}
    return {name: value for name, value in found.items() if value is not None}
