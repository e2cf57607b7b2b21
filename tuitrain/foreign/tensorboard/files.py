"""Which files are event files, by their names: looking for logs must not load what reads them."""


def is_event_file(name: str) -> bool:
    """Say whether a file may hold scalars, by its name; a profile's marker never does."""
    return ".tfevents." in f".{name}" and not name.endswith(".profile-empty")
