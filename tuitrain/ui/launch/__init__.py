"""What is behind the form for a new run: what it begins with, a warm worker, the start itself."""
