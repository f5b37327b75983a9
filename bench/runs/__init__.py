"""One run: what is asked for, done, measured and recorded."""
