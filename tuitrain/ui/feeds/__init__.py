"""Threads that read runs for the screens, and what they bring."""
