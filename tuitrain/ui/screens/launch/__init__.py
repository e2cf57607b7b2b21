"""The form for a new run: settings, what is known of them, the start."""
