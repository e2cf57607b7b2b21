"""Runs as rows of a table: values by key, a language of filters, an order."""
