"""What one run's record says: its entries, curves, readings and steps."""
