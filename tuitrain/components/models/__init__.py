"""Models: each returns a module that maps a batch of inputs to [batch, outputs]."""
