"""What is known of a preset before it trains, as lines: its model, its data, what was tried."""
