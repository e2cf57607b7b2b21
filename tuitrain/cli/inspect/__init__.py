"""Commands that look at a preset before it trains; none of them leaves a run behind."""
