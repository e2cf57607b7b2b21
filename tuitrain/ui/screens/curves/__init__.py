"""Charts as screens show them: the grid with its window and cursor, and the chart in front."""
