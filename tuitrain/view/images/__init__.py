"""Pictures in a terminal: pixels in, cells or a terminal's own graphics out."""
