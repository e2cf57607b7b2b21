"""Logs that other programs write, followed into records that every screen and command can read.

Knows the formats of logs; nothing of terminals, and writes only through `tuitrain.runs`.
"""
