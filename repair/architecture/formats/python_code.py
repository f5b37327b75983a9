"""Values and names as Python source has them, for networks that are written as programs."""

import json
import keyword
import re

from repair.architecture.graph import Graph


def variable_names(graph: Graph) -> dict[str, str]:
    """A Python name for each node, unlike any name that the code itself uses."""
    taken = {"keras", "layers", "model", "self", "nnx", "jax", "jnp", "rngs", "step", "Network"}
    names: dict[str, str] = {}
    for node in graph.nodes:
        stem = re.sub(r"\W", "_", node.name, flags=re.ASCII)[:60] or "layer"
        if stem[0].isdigit() or keyword.iskeyword(stem) or stem.startswith("__"):
            stem = f"layer_{stem.lstrip('_')}"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        # attributes and shared layers are named after nodes, with these suffixes
        taken |= {name, f"{name}_layer", f"{name}_back", f"{name}_point"}
        names[node.name] = name
    return names


def spell(value: object) -> str:
    """A plain value as source text, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(spell, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
