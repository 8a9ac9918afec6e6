"""The router and what it is told, by their laws."""
