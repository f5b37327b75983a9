"""What a run leaves: its record and files, and the store that keeps them."""
