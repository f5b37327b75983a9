"""One run: specified by its config, looked up, and done: prepare, repair, measure, record."""
