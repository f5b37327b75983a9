"""Frameworks whose programs are not read yet, told by what a program imports."""

import ast
from collections.abc import Iterator

from repair.architecture.source.text import SourceText
from repair.errors import InputError

UNREAD = {"torch": "PyTorch", "pytorch_lightning": "PyTorch", "flax.linen": "Flax linen"}
"""The package of each, and the name by which people know it."""
READ = ("keras", "tf_keras", "tensorflow", "flax.nnx")
"""The packages of those that are read."""


def refuse_unread_framework(source: SourceText, *, mixed: bool) -> None:
    """Refuses a program of a framework that is not read.

    Args:
        source: the program.
        mixed: refuse it also where it imports a framework that is read.

    Raises:
        InputError: it imports a framework that is not read.
    """
    imported = list(_imported(source.tree))
    if not mixed and any(_of(name, package) for name, _ in imported for package in READ):
        return
    for name, line in imported:
        for package, title in UNREAD.items():
            if _of(name, package):
                raise InputError(
                    f"line {line}: {title} programs are not read yet: expected a program of "
                    "Keras or of Flax NNX."
                )


def _of(name: str, package: str) -> bool:
    """Whether a full name is a package or stands in it."""
    return name == package or name.startswith(f"{package}.")


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The full names that a program imports, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
