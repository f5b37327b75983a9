"""Tables and figures, from records and published numbers alone.

`report = collect("results/runs")` reads the records, `write(report, "results/report")` writes the files; the command is
`python -m bench.report`. The same records give the same bytes.
"""

from bench.report.build import Report, collect
from bench.report.write import FORMATS, write

__all__ = ["FORMATS", "Report", "collect", "write"]
