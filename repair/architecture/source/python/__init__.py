"""A static interpreter of Python: what names and expressions stand for, told without running anything.

It knows no framework: what the names of one mean it asks of the `Semantics` that it is given.
"""
