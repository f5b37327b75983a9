"""Networks as ordered stacks of named layers, evaluated by JAX."""
