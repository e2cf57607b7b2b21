"""What a checkpoint's model makes of samples: evaluated with their targets, or predicted."""
