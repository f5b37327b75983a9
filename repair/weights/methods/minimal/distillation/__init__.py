"""The distillation loss: soft targets, the divergence from them, and its descents."""
