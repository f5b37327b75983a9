"""Repair search: an invalid network definition becomes a valid one by a minimal change.

`repair(graph)` is all that others need. What it does, in order:

1. `tables`: dynamic programming over the graph. For each layer the cheapest ways to each output
   shape: as it stands, edited in place (`changes`, `windows`, `arguments`), taken out, or with
   layers inserted before it (`adapters`, `lifts`, `options`); at merges the inputs are brought to a
   common shape (`merges`). Layers read twice are tabled under assumptions (`sharing`), layers called
   twice are repaired call by call and shared again (`calls`). `plan` says how much is kept.
2. `bound`: how few edits any repair needs, from errors without a common cause and from a relaxed
   problem over every shape at once (`box`, `axes`, `relaxed`, `relaxed_merges`, `relaxed_broadcast`).
3. `hints`, `hints_merges`: where the two differ, the shapes of the relaxed solution are tried in the
   search.
4. `moves`: repairs that change connections, among the alternatives.

What "proven" says (`result.PROVEN`): no repair that keeps widths, head and connections has fewer
edits, where an edit is another argument or rank of a layer, a layer taken out, or an inserted
Reshape, Flatten, Permute, RepeatVector, padding, cropping, pooling, upsampling, global pooling, Dense
or convolution of kernel 1, and every tensor fits the box of `bound`. A layer moved is one taken out
and one inserted, so the proof covers moves, but for Resizing and for layers with the channels first.
The data format is another argument only where an image looks as if its channels came first. The proof
does not cover rewiring, which keeps fewer connections and so costs more at the first level (an output
that does not exist is the exception: read from the first output, it costs one edit). Weights made
anew are no edit. Layers with a kernel are not taken out.
"""

from repair.architecture.search.result import ArchitectureRepair, SearchResult, SearchStatus
from repair.architecture.search.search import repair

__all__ = ["ArchitectureRepair", "SearchResult", "SearchStatus", "repair"]
