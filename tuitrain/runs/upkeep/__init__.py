"""What people do to whole runs and their checkpoints: name, rename, remove, bring back."""
