"""The two rule sets: which networks count as valid."""

from dataclasses import dataclass, field, replace

from repair.errors import unknown


@dataclass(frozen=True, eq=False)
class Rules:
    """What a framework demands where frameworks differ; compared by identity, so cheap as a key.

    Args:
        name: how a person chooses it.
        strict: as the published tool: merges take equal shapes only, without broadcasting; Dot
            takes 2 or 3 dimensions, the same on both sides; a transposed convolution without
            padding takes no kernel larger than its input.
        lenient: a size that must be known may be unknown: used below a broken layer, where it is
            unknown only because of that.
        lenient_form: the same rules, lenient.
    """

    name: str
    strict: bool
    lenient: bool = False
    lenient_form: "Rules | None" = field(default=None, repr=False)

    @property
    def below_error(self) -> "Rules":
        """The rules to go on with below a broken layer."""
        return self.lenient_form or self


def _rules(name: str, strict: bool) -> Rules:
    closed = Rules(name, strict)
    return replace(closed, lenient_form=replace(closed, lenient=True))


KERAS3 = _rules("keras3", strict=False)
"""Keras 3 on JAX, the default."""
STRICT = _rules("strict", strict=True)
"""The published tool's (ExAIS), read off its labels and repairs of 500 random models."""


def rules_named(name: str) -> Rules:
    """The rule set of that name.

    Raises:
        InputError: no such rule set; the message lists them.
    """
    for rules in (KERAS3, STRICT):
        if rules.name == name:
            return rules
    raise unknown("rule set", name, (KERAS3.name, STRICT.name))
