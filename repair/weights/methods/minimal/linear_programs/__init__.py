"""The hinge loss and its sequential linear programs, solved by generating rows and columns."""
