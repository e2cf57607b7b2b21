"""The list of runs as a table: columns of choice, headings, and one line a run."""
