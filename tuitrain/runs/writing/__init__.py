"""What goes into a record, and what a resume takes back: by its one writer."""
