"""Formats that networks are defined in: read, and written with a repair in them."""
