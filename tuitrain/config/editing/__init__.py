"""A preset that somebody changes: its text, and the options that say the same change."""
