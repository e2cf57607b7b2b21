"""Records steps with torch.profiler: what is said to do so, and what is told of it, is elsewhere.

Used by our own worker and within scripts of anybody's, whose Python may have torch alone: kept to
what Python 3.9 knows.
"""
