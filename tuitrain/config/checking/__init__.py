"""A preset's values held against the schema, the catalogue and each other, every fault at once."""
