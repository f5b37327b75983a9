"""What may be done at one layer: edits in place, layers inserted before it, the layer taken out."""
