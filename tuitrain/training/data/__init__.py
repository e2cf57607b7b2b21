"""From a data set to the batches of a step: checks, order, transforms, loading."""
