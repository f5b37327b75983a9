"""The harness: scenarios, records, tracking and reports around the library `repair`."""

from pathlib import Path


def shipped(name: str) -> Path:
    """A folder that comes with the code, such as "configs" or "results/published".

    It lies inside an installed package, and at the top of a checkout.
    """
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name
