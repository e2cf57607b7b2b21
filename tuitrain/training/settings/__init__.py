"""Settings that change while a run lives, or between its attempts."""
