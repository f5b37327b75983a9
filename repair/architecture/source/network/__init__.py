"""The network of a program under construction: its tensors, layers and models, whatever the framework."""
