"""YAML lists of layers as text: only the entries that changed are written anew, comments stay."""

from collections.abc import Mapping
from difflib import SequenceMatcher

from repair.errors import InputError


def edited_yaml(text: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """The YAML text with the changed layers replaced, new ones put in and removed ones left out.

    Args:
        text: the text of a file.
        before: the network that it defines, as `write_plain` writes it.
        after: the repaired network.

    Raises:
        InputError: the entries of the list do not start lines of their own.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    root = yaml.compose(text, Loader=loader)
    entries = _entries(root)
    old, new = _records(before), _records(after)
    given = root.value if isinstance(root, yaml.MappingNode) else []
    if not any(key.value == "input" for key, _ in given) and "input" in before:
        pass  # the shape came with --input-shape: it is not in the file and not written into it
    if len(entries) != len(old):
        # inputs that are layers of their own stand in the list, one that is not stands above it
        raise InputError("the list of layers is not laid out with one entry for each layer.")
    lines = text.splitlines(keepends=True)
    starts = [entry.start_mark.line for entry in entries]
    if len(set(starts)) < len(starts) or any(
        not lines[line].lstrip().startswith("-") for line in starts
    ):
        raise InputError("the list of layers does not have a line for each layer: write it so.")
    ends = [_last_line(entry) + 1 for entry in entries]
    dash = lines[starts[0]].index("-")
    for kind, a, b, c, d in reversed(SequenceMatcher(None, old, new, False).get_opcodes()):
        if kind == "equal":
            continue
        fresh = [" " * dash + "- " + record + "\n" for record in new[c:d]]
        at, to = (
            (starts[a], ends[b - 1])
            if b > a
            else ((starts[a],) * 2 if a < len(starts) else (ends[-1],) * 2)
        )
        if fresh and at and not lines[at - 1].endswith("\n"):
            lines[at - 1] += "\n"
        lines[at:to] = fresh
    return "".join(lines)


def _entries(root: object) -> list:
    import yaml

    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "layers":
                root = value
    return list(root.value) if isinstance(root, yaml.SequenceNode) else []


def _last_line(node: object) -> int:
    """The line on which the last value of a node ends."""
    import yaml

    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark  # type: ignore[attr-defined]
    return end.line - (end.column == 0 and end.line > node.start_mark.line)  # type: ignore


def _records(document: Mapping[str, object]) -> list[str]:
    """Each layer on one line of YAML."""
    import yaml

    layers = document["layers"]
    if not isinstance(layers, list):
        return []
    return [
        record
        if isinstance(record, str)
        else _block(yaml.safe_dump(record, default_flow_style=True, sort_keys=False, width=10_000))
        for record in layers
    ]


def _block(flow: str) -> str:
    """{Dense: {units: 10}} without the outer braces where it has one key."""
    flow = flow.strip()
    inner = flow[1:-1]
    return (
        inner
        if inner.startswith(inner.split(":")[0])
        and "}, " not in inner
        and inner.count(": {") == 1
        and inner.endswith("}")
        and not inner.startswith("name")
        else flow
    )
