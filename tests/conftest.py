"""For all tests: properties are tried on the same examples everywhere, however slowly."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")
