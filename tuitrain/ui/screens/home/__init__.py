"""Home: presets and runs, a part a file; `screen` puts them together."""
