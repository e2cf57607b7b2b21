"""The pages of an evaluation, and what they are made of."""
