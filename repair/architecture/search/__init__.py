"""Repair search: an invalid network definition becomes a valid one by a minimal change."""

from repair.architecture.search.result import Repair, Result, Status
from repair.architecture.search.search import repair

__all__ = ["Repair", "Result", "Status", "repair"]
