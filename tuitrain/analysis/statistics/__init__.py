"""Figures out of labels, scores and samples, as statistics has them; knows no runs."""
