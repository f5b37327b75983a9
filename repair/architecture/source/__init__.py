"""Network definitions in Python source: read with `ast`, never executed, repaired as text."""
