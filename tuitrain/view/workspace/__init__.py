"""Many runs on one grid of charts: their lines, and the legend that tells them apart."""
