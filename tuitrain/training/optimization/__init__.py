"""The update of weights: optimizer, its groups, schedule, losses that are not finite, undoing."""
