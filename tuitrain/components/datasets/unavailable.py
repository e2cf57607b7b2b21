"""What is said where files can't be had; registers no data set."""


def first_line(error: Exception) -> str:
    """Return what an error says in one line that a sentence can take up."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
