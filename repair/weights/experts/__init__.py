"""One patch for each class, combined into one classifier."""
