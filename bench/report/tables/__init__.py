"""The tables of a report: `Table`, and a module for each table or two of one idea."""

from bench.report.tables.table import NONE, Table, csv_text

__all__ = ["NONE", "Table", "csv_text"]
