"""Charts in a terminal: from reduced series to coloured cells.

Knows lines, marks and ranges; nothing of runs, files or widgets.
"""
