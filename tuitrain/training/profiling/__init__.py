"""Where a step's time goes: sampled splits, traces, counted operations."""
