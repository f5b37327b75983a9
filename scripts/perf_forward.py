"""Time of forward passes through the published networks, ours beside ONNX Runtime's on the same cores.

    python scripts/perf_forward.py [--images 2048] [--repeats 3]

Shows, for each network, seconds of wall clock and of processor time per 10,000 images, the least of the
repeats, with no file reading and no compilation in it. Needs the data pack and onnxruntime (extra `dev`).
"""

import argparse
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import jax
import numpy as np
import onnxruntime

from bench import networks
from repair import formats

BATCH = 256  # ONNX Runtime's; ours chooses its own


def seconds(work: Callable[[], object], count: int, repeats: int) -> tuple[float, float]:
    """Least (wall, processor) seconds per 10,000 images, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - processor))
    walls, processors = zip(*times, strict=True)
    return min(walls) / count * 1e4, min(processors) / count * 1e4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{jax.devices()}; seconds per 10,000 images: wall / processor")
    for name in networks.NETWORKS:
        network = networks.load(name)
        pixels = np.random.default_rng(0).integers(
            0, 256, (arguments.images, *network.input_shape), dtype=np.uint8
        )
        inputs = pixels.astype(np.float32) / np.float32(1 if network.scale == "0..255" else 255)
        with TemporaryDirectory() as folder:
            formats.save(network, f"{folder}/network.onnx")
            session = onnxruntime.InferenceSession(f"{folder}/network.onnx")

        def theirs(session: onnxruntime.InferenceSession = session, x: np.ndarray = inputs) -> None:
            for begin in range(0, len(x), BATCH):
                session.run(None, {"images": x[begin : begin + BATCH]})

        ours = seconds(lambda: network.logits(pixels), len(pixels), arguments.repeats)  # noqa: B023
        other = seconds(theirs, len(pixels), arguments.repeats)
        print(
            f"{name:22} ours {ours[0]:7.2f} / {ours[1]:6.2f}"
            f"   onnxruntime {other[0]:7.2f} / {other[1]:6.2f}"
        )


if __name__ == "__main__":
    main()
