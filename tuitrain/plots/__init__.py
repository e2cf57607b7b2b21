"""Pictures of runs and of evaluations: what is in them, and how files and pages show it."""
