"""What runs inside a training script that somebody else wrote: hooks, the pipe, and the API.

Imports the standard library alone, for the script's Python may have nothing else of this program,
and is kept to what Python 3.9 knows. Nothing here may end, slow down or hang the script.
"""
