"""A model on a page of its own, for people to try it: what is answered, and the page."""
