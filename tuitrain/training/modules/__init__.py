"""What is done with a model's modules before and around steps."""
