"""Many runs over the whole grid of charts, a part a file; `screen` puts them together."""
