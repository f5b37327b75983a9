"""Architecture repair: graphs of layers, their shape semantics, errors, edits and search."""
