"""What tracebacks and logs of failed trainings mean: a table, and how it is read. Knows no run."""
