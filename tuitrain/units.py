"""Bytes, durations, shares, counts and rates as people read them.

Pure functions from numbers to text; knows nothing of what was measured or of where it is shown.
"""

import math

from tuitrain.lang import term, tr

NOTHING = "-"
"""Stands where there is no value."""

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
SI_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_DURATIONS = ((DAY_S, "d", HOUR_S, "h"), (HOUR_S, "h", MINUTE_S, "m"), (MINUTE_S, "m", 1, "s"))
_AGES = (
    (365 * DAY_S, term("{n} y ago")),
    (7 * DAY_S, term("{n} w ago")),
    (DAY_S, term("{n} d ago")),
    (HOUR_S, term("{n} h ago")),
    (MINUTE_S, term("{n} min ago")),
)
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_LONGEST = 999.5
"""From here on a number would have four digits when it is rounded."""


# --- bytes ----------------------------------------------------------------------------------------


def size(number_bytes: float | None) -> str:
    """Return a size in three digits: 512 B, 1.21 MiB."""
    if number_bytes is None or not math.isfinite(number_bytes):
        return NOTHING
    amount, unit = _in_binary_units(number_bytes, _LONGEST)
    return f"{amount:.0f} B" if unit == "B" else f"{_three_digits(amount)} {unit}"


def rough_size(number_bytes: float) -> str:
    """Return a size with at most one decimal: 3.2 MiB, 141 GiB."""
    amount, unit = _in_binary_units(number_bytes, _LONGEST)
    return f"{amount:.{1 if abs(amount) < 99.95 else 0}f} {unit}"


def size_words(number_bytes: int) -> str:
    """Return a size in four digits, in the unit that leaves it below 1024."""
    amount, unit = _in_binary_units(number_bytes, 1024)
    return f"{amount:.0f} bytes" if unit == "B" else f"{amount:.4g} {unit}"


def gib(number_bytes: float) -> str:
    """Return a size in GiB."""
    return f"{number_bytes / 1024**3:.1f} GiB"


def of_total(used_bytes: float, total_bytes: float) -> str:
    """Return a share of a memory in the unit of the whole: 18.2/141 GiB."""
    amount, unit = _in_binary_units(total_bytes, _LONGEST)
    shown = used_bytes / 1024 ** _BYTES.index(unit)
    whole = 0 if amount >= 99.5 or amount == int(amount) else 1
    return f"{shown:.{0 if shown >= 99.95 else 1}f}/{amount:.{whole}f} {unit}"


def size_unit(most_bytes: float) -> tuple[int, str]:
    """Return the unit for an axis up to this size: its bytes and its name."""
    _amount, unit = _in_binary_units(most_bytes, 1024)
    return 1024 ** _BYTES.index(unit), unit


def _in_binary_units(number_bytes: float, limit: float) -> tuple[float, str]:
    amount, power = float(number_bytes), 0
    while abs(amount) >= limit and power < len(_BYTES) - 1:
        amount, power = amount / 1024, power + 1
    return amount, _BYTES[power]


# --- times ----------------------------------------------------------------------------------------


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units: 0.3 s, 42 s, 3m 05s, 2h 14m, 5d 03h."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit_s, name, part_s, part_name in _DURATIONS:
        if whole >= unit_s:
            return f"{whole // unit_s}{name} {whole % unit_s // part_s:02}{part_name}"
    return f"{whole} s"


def rough_time(seconds: float) -> str:
    """Return a length of time in one unit: 12.8 ms, 5.1 s, 84 s, 14 min, 5.2 h."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    if seconds < 2 * DAY_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / DAY_S:.1f} days"


def age(seconds: float | None) -> str:
    """Return how long ago in one unit: now, 3 min ago, 2 h ago, 5 d ago."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    for unit_s, name in _AGES:
        if seconds >= unit_s:
            return tr(name, n=int(seconds // unit_s))
    return tr("now")


def short_time(seconds: float) -> str:
    """Return a time in three digits and the unit that suits it: 61.2 us, 3.14 ms, 1.20 s."""
    for unit_s, unit in _TIMES:
        # Compared with what rounding would make of it: 999.9 us is 1.00 ms.
        if abs(seconds) / unit_s >= 0.9995 * (1 - 1e-9) or unit == "us":
            return f"{_three_digits(seconds / unit_s)} {unit}" if seconds else "0 us"
    raise AssertionError(seconds)


def us_text(microseconds: float) -> str:
    """Do as `short_time` with a time in microseconds, as profiles have them."""
    return short_time(microseconds / 1e6)


def time_unit(seconds: float) -> tuple[float, str]:
    """Return the unit for an axis on which this is a usual time: its seconds and its name."""
    return next((unit for unit in _TIMES if seconds >= unit[0]), _TIMES[-1])


# --- shares ---------------------------------------------------------------------------------------


def percent(part: float, whole: float | None) -> str:
    """Return a share, rounded down so that 100% means done."""
    if not whole:
        return NOTHING
    return f"{math.floor(100 * part / whole)}%"


def progress(step: int, total_steps: int | None) -> str:
    """Return how far a run is; one that was cut short after more steps is done, not over it."""
    return percent(min(step, total_steps or 0), total_steps)


def share_text(share: float) -> str:
    """Return a share rounded: 41 %, or <1 % for what is not nothing."""
    whole = round(100 * share)
    return "<1 %" if whole == 0 and share > 0 else f"{whole} %"


# --- counts and rates -----------------------------------------------------------------------------


def count(number: float | None) -> str:
    """Return a count in at most five characters or so: 950, 12.3k, 4.57M."""
    if number is None or not math.isfinite(number):
        return NOTHING
    for amount, prefix in SI_PREFIXES:
        # Compared with what rounding would make of it: 999,999 is 1.00M and not 1000k.
        if abs(number) >= amount * 0.9995:
            return f"{_three_digits(number / amount)}{prefix}"
    return f"{number:.0f}" if number == int(number) else f"{number:.3g}"


def rate(per_s: float | None, unit: str) -> str:
    """Return a speed: 12.3k samples/s."""
    return NOTHING if per_s is None or not math.isfinite(per_s) else f"{count(per_s)} {unit}/s"


def flop_rate(per_s: float) -> str:
    """Return a speed of arithmetic: 12.3 TFLOP/s."""
    number = count(per_s)
    prefix = number[-1] if number[-1].isalpha() else ""
    return f"{number.removesuffix(prefix)} {prefix}FLOP/s"


def _three_digits(amount: float) -> str:
    digits = 2 if abs(amount) < 9.995 else 1 if abs(amount) < 99.95 else 0
    return f"{amount:.{digits}f}"
