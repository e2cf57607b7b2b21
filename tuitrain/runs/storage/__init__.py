"""How the record lies on disk: run.db, its tables, points with their pyramid, readings."""
