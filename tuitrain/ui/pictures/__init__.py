"""Curves as pictures, on terminals that show them: what a terminal can, and what it was sent."""
