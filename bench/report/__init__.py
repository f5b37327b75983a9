"""Tables and figures, from records and published numbers alone.

`report = collect("results/runs")` reads, `write(report, "results/report")` writes; the command is
`python -m bench.report`. The same records give the same bytes.
"""

from bench.report.build import Report, collect, write

__all__ = ["Report", "collect", "write"]
