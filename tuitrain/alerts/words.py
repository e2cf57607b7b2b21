"""Sizes and times in the words of an alert; knows nothing of what is measured."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0


def size(number_bytes: float) -> str:
    """Return a size in binary units: 3.2 MiB."""
    amount, unit = number_bytes, 0
    while abs(amount) >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if abs(amount) < 99.95 else f"{amount:.0f} {_UNITS[unit]}"


def span(seconds: float) -> str:
    """Return a length of time in one unit: 12.8 ms, 5.1 s, 84 s, 14 min, 5.2 h."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.1f} h"
    return f"{seconds / _DAY_S:.1f} days"
