"""Small widgets that draw spans of text; they know neither runs nor files."""
