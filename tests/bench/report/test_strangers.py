"""Reports of results folders that somebody else filled: names that would be paths, markup or commands."""

from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.records.gallery import EXAMPLES, Gallery
from bench.records.store import run_folder, save
from bench.report.__main__ import main
from repair.weights.patch import Delta, Patch

HOSTILE = 'x/../../../site/logo"><img src=x onerror=alert(1)></style></svg>\x1b[31m\u202e$\\frac{$ |[x](javascript:1)'


class Tags(HTMLParser):
    """How often a page has which tag with which attributes; its ids, and what it refers to."""

    def __init__(self, text):
        super().__init__()
        self.counts, self.ids, self.references, self.text = Counter(), [], set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.counts[tag, tuple(name for name, _ in attrs)] += 1
        self.ids += [value for name, value in attrs if name == "id"]
        self.references |= {value for name, value in attrs if name == "href" and tag != "image"}

    def handle_data(self, data):
        self.text += data


CASES = "status,edits,milliseconds\nrepaired,1,5\nrepaired,2,6\n"


def write_report(root, record_of, name):
    """The report on runs whose scenarios, methods, layers, rules and reasons have a name; its exit code."""

    def stored(scenario, method, seed, number, files, **changes):
        changes |= {"experiment": "e", "config_hash": f"{number:016x}"}
        record = record_of(scenario, method=method, seed=seed, **changes)
        folder = run_folder(root, record.experiment, record.config_hash, seed)
        save(folder, record, {"task": "repair"}, files)

    kernel = np.zeros((8, 8))
    kernel[1, 2] = 1.0
    layer = name.replace("/", ".")  # a patch has these by itself
    patch = Patch("n", {(layer, "kernel"): Delta.of(kernel)})
    images = np.zeros((2, 4, 4, 1), np.uint8)
    gallery = Gallery(images, images + 1, np.arange(2), np.ones(2, int), np.arange(2))
    files = {"patch.npz": patch.save, EXAMPLES: gallery.save}
    flips = {"clean": [[1, 2], [3, 4]], "defect": [[9, 9], [9, 9]]}
    details = {"layer": name, "exp": name, "rules": name, "flips": flips}
    stored(f"s{name}", f"m{name}", 0, 1, files, details=details)
    stored(f"s{name}", f"_{name}", 0, 2, files, details=details)
    stored("poison_mnist", "nnrepair", 1, 3, files, details=details)
    metrics = {"cases": 1, "success": 1.0, "proven": 1.0}
    files = {"cases.csv": lambda path: path.write_text(CASES)}
    for seed in (0, 1):
        stored(
            f"s{name}",
            "architecture_search",
            seed,
            4,
            files,
            metrics=metrics,
            details=details,
            combinations={},
            chosen=None,
        )
    stored("quickstart", "nnrepair", 0, 5, {}, status="error", reason=f"=1 {name}")
    out = root.parent / "site" / "a" / "out"
    return main(["--results", str(root), "--out", str(out), "--format", "csv,md,html"])


@pytest.fixture(scope="module")
def named(tmp_path_factory, record_of):
    """The place of a report of such a name, and of one of a name that harms nobody."""
    places = [tmp_path_factory.mktemp("place") for _ in range(2)]
    for place, name in zip(places, (HOSTILE, "z"), strict=True):
        (place / "site").mkdir()
        (place / "site" / "logo.svg").write_text("a logo")
        assert write_report(place / "runs", record_of, name) == 0
    return places


def test_all_files_lie_in_the_folder_and_are_as_many_as_of_any_name(named):
    hostile, harmless = ({path.relative_to(p) for path in (p / "site").rglob("*")} for p in named)
    assert len(hostile) == len(harmless) > 20
    assert {path.parts[:3] for path in hostile if len(path.parts) > 3} == {("site", "a", "out")}
    assert {len(path.parts) for path in hostile} == {2, 3, 4}
    assert (named[0] / "site" / "logo.svg").read_text() == "a logo"


def test_the_page_has_the_tags_and_attributes_of_any_name_and_whole_references(named):
    hostile, harmless = (Tags((p / "site/a/out/report.html").read_text()) for p in named)
    assert hostile.counts["img", ("src", "onerror")] == 0
    letters = ("path", "use", "g", "defs")
    one, other = (
        {tag: n for tag, n in page.counts.items() if tag[0] not in letters}
        for page in (hostile, harmless)
    )
    assert one == other
    attributes = {name for tag, names in hostile.counts if tag in letters for name in names}
    assert attributes <= {"id", "d", "style", "transform", "clip-path", "href", "x", "y"}
    assert len(hostile.ids) == len(set(hostile.ids))
    assert hostile.references <= {f"#{one}" for one in hostile.ids}
    assert "\x1b" not in hostile.text
    assert "\u202e" not in hostile.text


def test_every_figure_is_one_whole_svg_of_known_elements(named):
    paths = sorted((named[0] / "site").rglob("*.svg"))
    assert [path.name for path in paths].count("logo.svg") < len(paths)
    for path in paths:
        if path.name != "logo.svg":
            tags = {node.tag.partition("}")[2] for node in ElementTree.parse(path).iter()}
            assert tags.isdisjoint({"script", "img", "foreignObject", "a"}), path.name


def test_no_text_file_holds_a_control_character_or_a_tag(named):
    folder = named[0] / "site" / "a" / "out"
    for suffix, forbidden in ((".md", "<img"), (".csv", ",=1")):
        texts = [path.read_text() for path in folder.glob(f"*{suffix}")]
        assert texts
        for text in texts:
            assert not {"\x1b", "\u202e"} & set(text)
            assert forbidden not in text
