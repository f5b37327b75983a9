"""How a repair ended: one enumeration for methods, records and reports, cheap to import."""

from enum import StrEnum


class RepairStatus(StrEnum):
    """How a repair, or a run of the benchmark, ended; the expected failures are values, not exceptions."""

    OK = "ok"
    INFEASIBLE = "infeasible"
    TIME_LIMIT = "time_limit"
    LICENCE = "licence"
    UNCERTIFIED = "uncertified"
    SKIPPED = "skipped"
    ERROR = "error"
