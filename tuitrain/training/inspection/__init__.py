"""What can be found out about a preset before it trains; nothing here leaves a run behind."""
