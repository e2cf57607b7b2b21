"""What calls for attention in a run: the rules, fed with events and readings. Knows no process."""
