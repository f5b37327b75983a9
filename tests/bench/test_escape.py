"""Any text in any form of a report, read back by a parser that is not ours."""

import csv
import io
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from rich.console import Console

from bench.escape import csv_cell, html, latex, markdown, mathtext, plain, shortened, slug, terminal
from bench.report.style import Drawing, legible, render, styled
from bench.report.tables import Table

NASTY = (
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    "</td></svg><script>",
    "<!--",
    "-->",
    "]]>",
    "&lt;",
    "&#0;",
    "\\",
    "|",
    "\\|",
    "`",
    "**",
    "_a_",
    "[x](javascript:1)",
    "[1](x)",
    "[1]: x",
    "![x](y)",
    "http://x.y",
    "www.x.y",
    "$",
    "$\\frac{",
    "\\$",
    "\\input{x}",
    "^^41",
    "%",
    "{",
    "}",
    "~",
    "#",
    "&",
    "[1em",
    "*",
    "->",
    "→",
    "=1+1",
    "@SUM(A1)",
    "+1",
    "-1",
    "\t=1",
    "＝1",
    "_",
    "__",
    "\x1b[31m",
    "\x1b]8;;x\x07",
    "\x9b2J",
    "\x00",
    "\r",
    "\n",
    "\u2028",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufffe",
    "\U000e0041",
    "\ud800",
    "[bold]",
    ":smile:",
    "😀",
    "é",
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from(NASTY), max_size=6).map("".join),
    st.text(st.characters(codec=None), max_size=10),  # halves of surrogate pairs too
)


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.events = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.events.append((tag, attrs))

    def handle_endtag(self, tag):
        self.events.append(("/", tag))

    def handle_data(self, data):
        self.events.append(data)

    def handle_comment(self, data):
        self.events.append(("comment", data))

    handle_decl = handle_pi = unknown_decl = handle_comment


@given(TEXTS)
def test_plain_text_is_what_can_be_seen_on_one_line(text):
    shown = plain(text)
    categories = {unicodedata.category(letter) for letter in shown}
    assert categories & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    assert plain(shown) == shown
    assert len(shown.splitlines()) <= 1
    shown.encode()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_nothing_that_can_be_seen_is_lost(text):
    assert plain(text) == terminal(text) == text


@given(TEXTS)
def test_html_is_text_and_one_value_in_quotes_of_either_kind(text):
    found = Seen(f"""<p title="{html(text)}" lang='{html(text)}'>{html(text)}</p>""")
    shown = plain(text)
    assert found.events[0] == ("p", [("title", shown), ("lang", shown)])
    assert found.events[-1] == ("/", "p")
    assert "".join(found.events[1:-1]) == shown


@given(TEXTS)
def test_what_is_html_is_xml_too(text):
    node = ElementTree.fromstring(f'<g id="{html(text)}">{html(text)}</g>')
    assert (node.get("id"), node.text or "") == (plain(text), plain(text))
    assert len(node) == 0


@given(st.lists(TEXTS, min_size=3, max_size=3), TEXTS)
@example(["\\|", "|", "\\"], "![x](y) ](z)")
def test_markdown_is_a_table_of_as_many_cells_and_of_text_alone(line, title):
    table = Table(title, title, ("a", title, "c"), [line, ["x", "y", "z"]], [{"a": 1}])
    text = f"{table.markdown()}\n![{markdown(title)}](a.svg)\n"
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == kinds.count("heading_open") == 1
    assert (kinds.count("tr_open"), kinds.count("td_open"), kinds.count("th_open")) == (3, 6, 3)
    *lines, image = [token.children for token in tokens if token.type == "inline"]
    assert {piece.type for pieces in lines for piece in pieces} <= {"text"}
    read = ["".join(piece.content for piece in pieces) for pieces in lines]
    assert read[-9:] == [plain(cell).strip() for cell in ("a", title, "c", *line, "x", "y", "z")]
    assert [(piece.type, piece.attrs["src"]) for piece in image] == [("image", "a.svg")]
    assert "".join(piece.content for piece in image[0].children or ()) == plain(title)


@given(st.lists(TEXTS | st.integers() | st.floats(allow_nan=False) | st.none(), min_size=1))
def test_csv_has_no_formula_and_numbers_stay_numbers(values):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([csv_cell(value) for value in values] + [1])
    (row,) = csv.reader(io.StringIO(out.getvalue()))
    assert len(row) == len(values) + 1
    for cell, value in zip(row, values, strict=False):
        if isinstance(value, str):
            assert not re.match(r"\s*[=+\-@\t\r＝＋－＠]", cell)
            assert cell in (plain(value), f"'{plain(value)}")
        elif value is not None:
            assert type(value)(cell) == value
        else:
            assert cell == ""


@pytest.mark.parametrize("value", [-0.5, -1, 1e-9, None])
def test_a_negative_number_is_no_formula(value):
    assert csv_cell(value) is value


@given(TEXTS)
def test_latex_has_nothing_but_letters_and_the_commands_that_stand_for_signs(text):
    commands = (
        r"\\text(?:backslash|ascii(?:tilde|circum))\{\}|\$(?:\\rightarrow|\\pm|[<>|])\$|\\[&%$#_{}]"
    )
    assert re.fullmatch(rf"(?:\{{\}})?(?:{commands}|[^\\{{}}$&#^_~%\n\r\x00-\x1f])*", latex(text))
    assert not latex(text).lstrip().startswith(("[", "*"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("50 % of a_b & c", r"50 \% of a\_b \& c"),
        ("1 → 2 ± 3", r"1 $\rightarrow$ 2 $\pm$ 3"),
        ("\\x{y}^2~$", r"\textbackslash{}x\{y\}\textasciicircum{}2\textasciitilde{}\$"),
    ],
)
def test_latex_escapes_what_it_would_take_for_commands(text, shown):
    assert latex(text) == shown


@settings(max_examples=40, deadline=None)
@given(TEXTS)
@example("$\\frac{$")
@example("a$b$c\\$d$")
@example("_hidden")
def test_a_figure_draws_it_as_letters_and_is_one_whole_svg(text):
    with styled():
        drawn = Figure(figsize=(2, 1))
        axes = drawn.subplots()
        axes.set_title(legible(text))
        drawn.legend(handles=[Line2D([], [], label=legible(text)), Line2D([], [], label="other")])
        assert len(drawn.legends[0].get_texts()) == 2
        svg = render(
            drawn, "svg"
        )  # a warning, of a missing letter or a hidden label, would be an error
    names = {re.sub(r"\{.*\}", "", node.tag) for node in ElementTree.fromstring(svg).iter()}
    assert names <= {
        "svg",
        "metadata",
        "RDF",
        "Work",
        "type",
        "defs",
        "style",
        "g",
        "path",
        "use",
        "clipPath",
        "rect",
    }


def test_the_letters_of_a_figure_are_those_of_the_text():
    with styled():
        assert legible("a_b $x$ ±é") == r"a_b \$x\$ ±é"
        assert legible("😀") == "?"
        assert len(legible("x" * 100)) < 50
    assert mathtext("_x") == " _x"
    assert shortened("abcdef", 4) == "abc…"


@given(TEXTS)
def test_a_terminal_gets_no_control_character_and_no_markup(text):
    table = Table(text, text, (text, "b"), [(text, "x"), ("[bold]y[/bold]", "z")], [{"a": 1}])
    console = Console(width=400, file=io.StringIO(), force_terminal=False)
    console.print(table.rich())
    said = console.file.getvalue()
    assert {unicodedata.category(c) for c in said if c != "\n"} & {"Cc", "Cf", "Cs"} == set()
    assert "[bold]y[/bold]" in said


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("a", "b--c", "a--b", "c")
@example("CON", "con", "con", "CON")
@example("..", "", ".", "x/../../y")
def test_slugs_are_names_of_files_and_differ_whatever_the_case(one, two, three, four):
    for name in (one, two):
        assert re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)*", slug(name))
        assert len(slug(name)) < 60
    assert (slug(one) == slug(two)) == (one == two)
    assert (slug(one, two) == slug(three, four)) == ((one, two) == (three, four))
    assert slug(slug(one)) != slug(one) or slug(one) == one


@pytest.mark.parametrize(
    "name", ["con", "nul", "com1", "lpt9", "CON", "a.b", ".", "..", "", "x" * 99, "a/b", "A"]
)
def test_what_a_file_system_may_refuse_or_mix_up_is_no_slug(name):
    assert slug(name) != name


@pytest.mark.parametrize("name", ["poison_mnist", "dense_1", "b1cf09cda55825a8", "0"])
def test_a_name_that_harms_nobody_stays(name):
    assert slug(name) == name


def test_a_drawing_with_another_name_is_a_mistake():
    with pytest.raises(ValueError, match="slug"):
        Drawing("../logo", "", "", Figure())
