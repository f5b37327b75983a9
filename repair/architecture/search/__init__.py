"""Repair search: an invalid network definition becomes a valid one by a minimal change.

`repair(graph)` is all that others need. What it does, in order:

1. `tables`: dynamic programming over the graph (`cheapest` sets it up). For each layer the cheapest
   ways to each output shape: as it stands, edited in place, taken out, or with layers inserted
   before it (`choices`); at merges the inputs are brought to a common shape. The tables of layers
   that are read twice are made under assumptions (`node_tables`, `meetings`); layers that are called
   twice are repaired call by call and shared again (`shared_layers`). `limits` says how much is kept.
2. `bound`: how few edits any repair needs, from errors without a common cause and from a relaxed
   problem over every shape at once. Where this differs from what has been found, the shapes of the
   relaxed solution guide the search.
3. `reconnections`: repairs that change connections, among the alternatives.

What "proven" says (`result.PROVEN`): no repair with fewer edits keeps widths, head and
connections, where an edit is another argument or rank of a layer, a layer taken out, or an inserted
Reshape, Flatten, Permute, RepeatVector, padding, cropping, pooling, upsampling, global pooling,
Dense or convolution of kernel 1, and every tensor fits the shape grid of `bound`. A layer moved is
one taken out and one inserted, so the proof covers moves, but for Resizing and for layers with the
channels first. The data format is another argument only where an image looks as if its channels
came first. The proof does not cover rewiring, which keeps fewer connections and so costs more in the
first component (an output that does not exist is the exception: read from the first output, it costs
one edit). Weights made anew are no edit. Layers with a kernel are not taken out.
"""

from repair.architecture.search.result import ArchitectureRepair, SearchResult, SearchStatus
from repair.architecture.search.search import repair

__all__ = ["ArchitectureRepair", "SearchResult", "SearchStatus", "repair"]
