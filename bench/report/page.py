"""The report as one HTML page with everything in it: no scripts, no other files, readable on paper too."""

import re
from collections.abc import Mapping, Sequence

from bench.escape import html
from bench.records.record import Record
from bench.records.rows import Value
from bench.report.build import Report
from bench.report.style import Drawing
from bench.report.tables.table import Table

_CSS = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; }
nav ul { columns: 2; padding-left: 1.2rem; }
a { color: #0072B2; }
dt { font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
thead th { border-top: 2px solid #222; border-bottom: 1px solid #222; text-align: left; vertical-align: bottom; }
tbody tr:last-child td { border-bottom: 2px solid #222; }
tbody tr:nth-child(even) { background: #f5f5f5; }
th, td { padding: 0.15rem 0.6rem 0.15rem 0; }
figure { margin: 2rem 0; }
figure svg { max-width: 100%; height: auto; }
figcaption, .note { font-size: 0.85rem; color: #444; max-width: 48rem; }
@media print { body { font-size: 9pt; max-width: none; } figure, tr { break-inside: avoid; } nav { display: none; } }
"""
_GLOSSARY = {
    "scenario": "A data set, a network trained on it, and a defect of that network: low accuracy, a backdoor (images "
    "with a trigger are called a class of the attacker's), or adversarial images.",
    "defect data, clean data": "Test images that show the defect, with their true classes, and the same images "
    "without it. Repair shall raise the accuracy on the first and not lower it on the second.",
    "N, repair images": "Images of the training set that a repair method may see (and as many with the defect). "
    "Choices are made on further, validation images; test images are only measured on.",
    "patch, weights changed": "A repair adds small changes to some of the network's weights.",
    "seed": "Of the draw of repair and validation images, and of everything else that is random in a run.",
    "combination": "NNrepair makes an expert for each class and combines their answers, in several ways; ORIG is the "
    "network without repair, FULL one patch for all classes.",
}
_IDS = re.compile(r'(\bid="|href="#|url\(#)')


def page(
    report: Report,
    tables: Mapping[str, Table],
    drawings: Sequence[Drawing],
    svg: Mapping[str, bytes],
) -> str:
    """Returns the report as one file.

    Args:
        report: The records, and what could not be read.
        tables: The tables, by stem.
        drawings: The figures.
        svg: The files of the figures, by stem.
    """
    sections = [
        (stem, table.title, _table(table)) for stem, table in tables.items() if stem != "runs"
    ]
    sections += [
        (drawing.stem, drawing.title, _figure(drawing, svg[drawing.stem].decode()))
        for drawing in drawings
    ]
    sections.append(("runs", tables["runs"].title, _table(tables["runs"])))
    contents = "".join(
        f'<li><a href="#{html(stem)}">{html(title)}</a></li>' for stem, title, _ in sections
    )
    body = "".join(
        f'<section id="{html(stem)}"><h2>{html(title)}</h2>{inner}</section>\n'
        for stem, title, inner in sections
    )
    words = "".join(
        f"<dt>{html(word)}</dt><dd>{html(text)}</dd>" for word, text in _GLOSSARY.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Repair of neural networks: a report</title>\n<style>{_CSS}</style>\n</head>\n<body>\n"
        f"<h1>Repair of neural networks: a report</h1>\n{_about(report.records)}{_findings(tables)}\n"
        f"<nav><ul>{contents}</ul></nav>\n"
        f'<section id="words"><h2>Words</h2><dl>{words}</dl></section>\n{body}'
        f"{_remarks('unreadable', 'Not readable', report.unreadable)}"
        f"{_remarks('left_out', 'Left out', report.notes)}</body>\n</html>\n"
    )


def _about(records: Sequence[Record]) -> str:
    """Returns what was run, where, and how it ended: the sources of all that follows."""
    ended: dict[str, int] = {}
    for record in records:
        ended[record.status] = ended.get(record.status, 0) + 1
    statuses = ", ".join(
        f"{count} {status.replace('_', ' ')}" for status, count in sorted(ended.items())
    )
    scenarios, methods, devices, versions = (
        ", ".join(sorted(values))
        for values in (
            {record.scenario for record in records},
            {record.method for record in records},
            {str(record.environment.get("device", "unknown")) for record in records},
            {str(record.environment.get("code_version", "unknown")) for record in records},
        )
    )
    lines = {
        "Runs": f"{len(records)} ({statuses})",
        "Scenarios": scenarios,
        "Methods": methods,
        "Devices": devices,
        "Code versions": versions,
    }
    rows = "".join(f"<dt>{name}</dt><dd>{html(value)}</dd>" for name, value in lines.items())
    return (
        "<p>Made by RepairBench from the records of finished runs alone; the same records give the same page. Every "
        f"number is measured on test data unless it says otherwise.</p><dl>{rows}</dl>"
    )


def _findings(tables: Mapping[str, Table]) -> str:
    """Returns the differences between methods that are significant, in words, and how many comparisons are not."""
    if "comparisons" not in tables:
        return ""
    numbers = tables["comparisons"].numbers
    shown = [n for n in numbers if n["better"]]
    items = "".join(f"<li>{html(_finding(n))}</li>" for n in shown)
    rest = f"{len(numbers) - len(shown)} of {len(numbers)} comparisons show no difference or have too few seeds to."
    return f"<h2>Differences between methods that the tests call ones</h2><ul>{items}</ul><p>{rest}</p>"


def _finding(n: Mapping[str, Value]) -> str:
    return (
        f"{n['scope']}, {n['data']} data: {n['better']} is better; {n['first']} minus {n['second']} is "
        f"{n['difference_pp']:+.2f} points (corrected p = {n['p_holm']:.3g}, {n['pairs']} pairs)."
    )


def _table(table: Table) -> str:
    names, columns = zip(*table.shown(), strict=True)
    head = "".join(f'<th scope="col">{html(name)}</th>' for name in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html(cell)}</td>' for cell in line)}</tr>\n"
        for line in zip(*columns, strict=True)
    )
    return (
        f'<p class="note">{html(table.note)}</p>'
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>'
    )


def _figure(drawing: Drawing, text: str) -> str:
    inner = text[text.index("<svg") :]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    inner = re.sub(r' xmlns(:xlink)?="[^"]*"', "", inner)  # HTML knows both
    inner = inner.replace("xlink:href", "href")
    inner = _IDS.sub(
        lambda match: f"{match[1]}{html(drawing.stem)}.", inner
    )  # ids of one page differ
    named = f'<svg role="img" aria-label="{html(drawing.title)}"'
    inner = inner.replace("<svg", named, 1).strip()
    return f"<figure>{inner}<figcaption>{html(drawing.caption)}</figcaption></figure>"


def _remarks(stem: str, title: str, items: Sequence[object]) -> str:
    """Returns a section with a sentence for each item; nothing where there is none."""
    if not items:
        return ""
    lines = "".join(f"<li>{html(str(item))}</li>" for item in items)
    return f'<section id="{stem}"><h2>{title}</h2><ul>{lines}</ul></section>\n'
