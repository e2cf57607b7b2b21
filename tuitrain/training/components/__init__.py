"""Models, data sets, losses, optimizers, schedules and augmentations: one function and one name.

Nothing here knows the loop. Keyword-only parameters with their annotations are the options that a
preset may set; the docstring's first line is their description.
"""
