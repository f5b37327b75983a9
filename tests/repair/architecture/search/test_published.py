"""The random cases of the data pack: repairs against published numbers of edits."""

import csv
import gzip
import json
from pathlib import Path

from repair.architecture.formats.exais import read
from repair.architecture.rules import KERAS3, STRICT
from repair.architecture.search import SearchStatus, repair
from repair.architecture.trace import trace


def test_published_random_cases(data_pack: Path) -> None:
    """A tenth of the 500: valid under both rules, few edits, most proven; the rest by the harness."""
    with (data_pack / "exais/published_random_even.csv").open(encoding="utf-8") as file:
        published = {int(row["case"]): row for row in csv.DictReader(file)}
    edits, proven = [], 0
    with gzip.open(data_pack / "exais/random_even.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % 10:
                continue
            case = json.loads(line)
            for rules in (STRICT, KERAS3):
                graph = read(case["terms"], weights=rules.strict)
                result = repair(graph, rules, alternatives=1)
                assert result.status in (SearchStatus.VALID, SearchStatus.REPAIRED)
                best = result.repairs[0]
                assert trace(best.graph, rules).valid
                assert best.not_kept == 0
                assert result.bound <= best.count
                if rules is STRICT:
                    row = published[case["case"]]
                    assert best.count <= int(row["t_edit_ops"]) + int(row["t_units_changed"])
                    edits.append(best.count)
                    proven += result.proven
    assert len(edits) == 50
    assert sum(edits) / 50 <= 4.7
    assert proven >= 45
