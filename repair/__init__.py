"""Repair of neural network classifiers: localize, solve, patch, certify."""
