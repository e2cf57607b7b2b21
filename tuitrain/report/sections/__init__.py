"""The parts of a report, one question a file."""
