"""One run as lines of text: how it stands, what its time and memory go into, what became of it."""
