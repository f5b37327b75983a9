"""Python's own functions, and the methods of its lists, dictionaries and texts."""
