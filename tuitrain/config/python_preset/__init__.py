"""A preset in a Python file: read by a child process that imports it, and written as TOML."""
