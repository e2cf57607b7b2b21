"""Memory as text: bars, charts, tables, accounts."""
