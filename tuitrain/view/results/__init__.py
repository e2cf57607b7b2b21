"""An evaluation as lines and charts that are walked with the keyboard.

Pure functions of reports, arrays and a size; know nothing of widgets or of keys.
"""
