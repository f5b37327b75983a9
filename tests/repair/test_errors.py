"""What an error says: names from a stranger's file reach no terminal as commands."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repair.errors import InputError, printable, unknown

OBEYED = ("Cc", "Cf", "Cs")


@given(st.text(st.characters(categories=["L", "N", "P", "Z", "C"])))
def test_nothing_that_a_terminal_obeys_is_left_but_lines(text):
    shown = str(InputError(text))
    assert shown == printable(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in OBEYED for c in shown)
    assert printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"])))
def test_what_is_harmless_stays_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("name", "shown"), [("\x1b[2Jx", r"\x1b[2Jx"), ("a\u202eb", r"a\u202eb"), ("\ud800", r"\ud800")]
)
def test_an_escape_sequence_is_shown_and_not_obeyed(name, shown):
    assert str(InputError(f"layer {name}")) == f"layer {shown}"
    assert "\x1b" not in str(unknown("layer", name, ["dense"]))
