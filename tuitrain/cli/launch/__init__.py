"""`tuitrain run` and `tuitrain resume`, where a run is supervised, and sweeps."""
