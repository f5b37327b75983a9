"""Edits of a program's text: other arguments, new layers, other connections; all else stays as it is."""
