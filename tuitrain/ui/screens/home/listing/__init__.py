"""Which runs home lists, in which order and groups; values and paths, no widgets."""
