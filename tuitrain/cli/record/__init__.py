"""The commands that look at what is on record of runs, a file each."""
