"""People's own files, images and tables: finding, reading and describing them.

Knows neither torch nor presets, so that a process that only looks at files stays small.
"""
