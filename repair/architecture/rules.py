"""The two rule sets: which networks count as valid."""

from dataclasses import dataclass, field, replace

from repair.errors import unknown


@dataclass(frozen=True, eq=False)
class Rules:
    """What a framework demands where frameworks differ; compared by identity, so cheap as a key.

    Args:
        name: how a person chooses it.
        broadcast: merges accept sizes of 1 and other ranks, as NumPy does.
        lenient: a size that must be known may be unknown: used below a broken layer, where it is
            unknown only because of that.
        open_form: the same rules, lenient.
    """

    name: str
    broadcast: bool
    lenient: bool = False
    open_form: "Rules | None" = field(default=None, repr=False)

    @property
    def below_error(self) -> "Rules":
        """The rules to go on with below a broken layer."""
        return self.open_form or self


def _rules(name: str, broadcast: bool) -> Rules:
    closed = Rules(name, broadcast)
    return replace(closed, open_form=replace(closed, lenient=True))


KERAS3 = _rules("keras3", broadcast=True)
"""Keras 3 on JAX, the default."""
STRICT = _rules("strict", broadcast=False)
"""The published tool's rules (ExAIS): merges want equal shapes, strides of ... see layers."""


def named(name: str) -> Rules:
    """The rule set of that name.

    Raises:
        InputError: no such rule set; the message lists them.
    """
    for rules in (KERAS3, STRICT):
        if rules.name == name:
            return rules
    raise unknown("rule set", name, (KERAS3.name, STRICT.name))
