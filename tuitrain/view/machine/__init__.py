"""The machine as the interface shows it: pure functions from readings to lines."""
