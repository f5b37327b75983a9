"""Where the paths from a layer that is read more than once meet again: post-dominators."""

from collections.abc import Mapping

from repair.architecture.graph import Graph, source

END = ""
"""The node that stands behind all outputs."""


def read_more_than_once(graph: Graph) -> frozenset[str]:
    """Nodes that are read more than once, outputs of the network counted."""
    reads = dict.fromkeys(graph.by_name, 0)
    for node in graph.nodes:
        for name, _ in node.sources:
            reads[name] += 1
    for reference in graph.outputs:
        reads[source(reference)[0]] += 1
    return frozenset(name for name, count in reads.items() if count > 1)


def meeting_nodes(graph: Graph) -> Mapping[str, str]:
    """For each node the first node through which all paths from it to the outputs lead.

    Immediate post-dominators, after Cooper, Harvey and Kennedy, "A Simple, Fast Dominance
    Algorithm", 2001; one pass is enough without cycles.
    """
    order = {name: k for k, name in enumerate([END, *(n.name for n in reversed(graph.nodes))])}
    ends = {source(reference)[0] for reference in graph.outputs}
    meetings: dict[str, str] = {END: END}
    for node in reversed(graph.nodes):
        readers = [*graph.consumers[node.name], *([END] if node.name in ends else [])]
        meeting = readers[0] if readers else END
        for reader in readers[1:]:
            other = reader
            while meeting != other:
                if order[meeting] > order[other]:
                    meeting = meetings[meeting]
                else:
                    other = meetings[other]
        meetings[node.name] = meeting
    return meetings
