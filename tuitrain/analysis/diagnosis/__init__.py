"""What a run's curves show of its training: one rule a function, each silent when unsure."""
