"""How runs are started: here or in the background, in a queue, on a cluster; what is printed."""
