"""From numbers and series to text: pure functions, no screens, no runs."""
