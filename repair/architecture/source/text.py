"""Python source as text and tree together: where each expression stands, and edits of spans."""

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from repair.errors import InputError

MOST_CHARACTERS = 512 * 1024
DEEPEST = 120
"""Levels of nesting that are read; each takes a few frames of recursion."""

Span = tuple[int, int]
"""Start and end in the text, counted in characters."""


@dataclass(frozen=True, order=True)
class TextEdit:
    """New text for a span; a span of no length inserts."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SourceText:
    """The text of a program and its tree; made by `SourceText.of`."""

    text: str
    tree: ast.Module

    @classmethod
    def of(cls, text: str) -> "SourceText":
        """Parses source text.

        Raises:
            InputError: a syntax error, over 512 thousand characters, nested over 120 deep.
        """
        if len(text) > MOST_CHARACTERS:
            raise InputError(
                f"the program has {len(text)} characters: expected at most {MOST_CHARACTERS}. "
                "Give the part that defines the network."
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd escapes in strings, which do not matter
                tree = ast.parse(text)
        except SyntaxError as error:
            raise InputError(
                f"line {error.lineno}: not valid Python {_version()}: {error.msg}."
            ) from None
        except (RecursionError, MemoryError):
            raise InputError("the program is nested too deeply for Python itself.") from None
        except ValueError as error:
            raise InputError(f"not valid Python: {error}.") from None
        _check_depth(tree)
        return cls(text, tree)

    @cached_property
    def _lines(self) -> tuple[list[int], list[str]]:
        """Where each line starts, and the lines."""
        starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]
        lines = [self.text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
        return starts, lines

    def position(self, line: int, column: int) -> int:
        """The position in the text of a line, from 1, and a column in UTF-8 bytes, as `ast` counts."""
        starts, lines = self._lines
        line_text = lines[line - 1]
        if not line_text.isascii():
            column = len(line_text.encode()[:column].decode(errors="ignore"))
        return starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> Span:
        """The start and end of a node."""
        start = self.position(node.lineno, node.col_offset)
        return start, self.position(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def text_of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_start(self, position: int) -> int:
        """Where the line of a position in the text starts."""
        return max(self.text.rfind("\n", 0, position), self.text.rfind("\r", 0, position)) + 1

    def indent(self, position: int) -> str:
        """The white space that starts the line of a position in the text."""
        space = re.match(r"[ \t]*", self.text[self.line_start(position) :])
        return space[0] if space else ""

    def first_on_line(self, position: int) -> bool:
        """Whether only white space stands before a place on its line."""
        return not self.text[self.line_start(position) : position].strip()

    @cached_property
    def newline(self) -> str:
        """How lines end."""
        ending = re.search(r"\r\n|\r|\n", self.text)
        return ending[0] if ending else "\n"

    def edited(self, edits: Iterable[TextEdit]) -> str:
        """The text with all edits made.

        Raises:
            InputError: two edits of one place that differ.
        """
        text, behind = self.text, len(self.text) + 1
        done: set[TextEdit] = set()
        for edit in sorted(edits, key=lambda e: (e.start, e.end), reverse=True):
            if edit in done and edit.start < edit.end:
                continue
            if edit.end > behind:
                raise InputError("two changes of one place in the source differ.")
            text = text[: edit.start] + edit.text + text[edit.end :]
            behind = edit.start
            done.add(edit)
        return text


def _check_depth(tree: ast.AST) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise InputError(f"the program is nested over {DEEPEST} deep: expected less.")


def _version() -> str:
    import sys

    return f"{sys.version_info.major}.{sys.version_info.minor}"
