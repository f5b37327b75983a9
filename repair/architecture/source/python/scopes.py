"""Scopes: the names of a module, a function or a comprehension, and what they stand for."""


class Scope(dict[str, object]):
    """The names of a module, a function or a comprehension.

    Args:
        inner: whether it is that of a comprehension, whose targets nobody else sees.

    Attributes:
        elsewhere: the names that `global` or `nonlocal` gives to another scope.
    """

    def __init__(self, *, inner: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.elsewhere: dict[str, Scope] = {}

    def set(self, name: str, value: object) -> None:
        """Binds a name where it belongs."""
        dict.__setitem__(self.elsewhere.get(name, self), name, value)
