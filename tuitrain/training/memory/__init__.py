"""A run's memory: allocators, what it is made of, and what is done when it runs out."""
