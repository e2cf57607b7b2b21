"""Tasks: each is one class, with all that is otherwise for one kind of training."""
