"""Reports of runs: what there is to say, in blocks that become a page or a text."""
