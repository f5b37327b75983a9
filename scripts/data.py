"""Find, download and verify data sets: `python scripts/data.py [NAME ...]`, all of them by default.

For a machine that will have no network later: run it once while there is one.
"""

import sys
from argparse import ArgumentParser

from bench.datasets.dataset import DATASETS, load
from repair.errors import InputError


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(DATASETS)}")
    for name in parser.parse_args().name or DATASETS:
        try:
            data = load(name)
            train, test = data.train_images, data.test_images
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        print(
            f"{name}: {len(train)} training and {len(test)} test images {train.shape[1:]}, verified"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
