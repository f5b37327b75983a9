"""Images, networks and published files: where they lie, and how they are checked."""
