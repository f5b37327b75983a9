"""Where the models of a program are made, and how a person names one of several."""

import ast
from collections.abc import Sequence

from repair.architecture.source.network.values import Model
from repair.architecture.source.text import SourceText
from repair.errors import InputError, unknown


class ModelPlaces:
    """Finds models by their names, variables, functions and lines.

    Args:
        source: the program.
    """

    def __init__(self, source: SourceText) -> None:
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        self.definitions = [node for node in ast.walk(source.tree) if isinstance(node, kinds)]

    def names(self, models: Sequence[Model]) -> list[str]:
        """A name for each model: with its line, or its function, where others are called the same."""
        titles = [model.title for model in models]
        return [
            model.title if titles.count(model.title) == 1 else self._place(model)
            for model in models
        ]

    def named(self, name: str, outermost: Sequence[Model], every: Sequence[Model]) -> Model:
        """The model of a name, variable, function or class, or of a line; first the outermost.

        Raises:
            InputError: none, or several.
        """
        for models in (outermost, every):
            for found in (
                [model for model in models if model.title == name],
                [model for model in models if name in model.variables],
                [model for model in models if name in self._around(model)],
                [model for model in models if name == str(model.line)],
            ):
                if len(found) == 1:
                    return found[0]
                if found:
                    places = ", ".join(f"line {model.line}" for model in found)
                    raise InputError(
                        f"the program defines several networks of the name {name!r}: {places}. "
                        "Choose one by its line, such as --model "
                        f"{found[0].line}."
                    )
        inner = [model for model in every if model not in outermost]
        raise unknown("model", name, self.names([*outermost, *inner]))

    def _around(self, model: Model) -> list[str]:
        """The functions and classes in which a model is made, the innermost last."""
        return [
            node.name
            for node in self.definitions
            if node.lineno <= model.line <= (node.end_lineno or node.lineno)
        ]

    def _place(self, model: Model) -> str:
        around = self._around(model)
        return f"{'.'.join(around) or model.title} (line {model.line})"
