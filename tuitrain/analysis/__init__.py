"""What is computed from a run's record, for the screens and for the command line's JSON alike."""
