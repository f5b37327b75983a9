"""Time of forward passes through the published networks, ours beside ONNX Runtime's on the same cores.

    python scripts/perf_forward.py [--images 60000] [--repeats 3] [--networks mnist_poisoned ...]

Shows, for each network, seconds of wall clock and of processor time per 10,000 images, the least of the
repeats, with no file reading and no compilation in it: of logits in both, and of what a repair of the last layer
asks for beyond a forward pass, its activations and the rows of its program (9 margins an image over 50 weights).
Needs the data pack and onnxruntime (extra `dev`).
"""

import argparse
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import jax
import numpy as np
import onnxruntime

from bench.datasets import networks
from repair.weights import formats
from repair.weights.methods.nnrepair.constraints import class_margins
from repair.weights.network.network import Network

BATCH = 256  # ONNX Runtime's; ours chooses its own
WEIGHTS = 50  # free in the rows


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
    parser.add_argument(
        "--networks", nargs="+", choices=tuple(networks.NETWORKS), default=tuple(networks.NETWORKS)
    )
    arguments = parser.parse_args()
    print(f"{jax.devices()}; seconds per 10,000 images: wall / processor")
    for name in arguments.networks:
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

        def rows(network: Network = network, images: np.ndarray = pixels) -> None:
            last = network.names[-1]
            entering = network.activations(images, at=last)
            kernel, bias = map(np.asarray, network.weights(last).values())
            logits = entering.astype(np.float64) @ kernel + bias
            weights = np.random.default_rng(0).choice(kernel.size, WEIGHTS, replace=False)
            inputs, outputs = np.unravel_index(weights, kernel.shape)
            class_margins(entering, logits.argmax(1), logits, inputs, outputs)

        ours = seconds(lambda: network.logits(pixels), len(pixels), arguments.repeats)  # noqa: B023
        other = seconds(theirs, len(pixels), arguments.repeats)
        with_rows = seconds(rows, len(pixels), arguments.repeats)
        measured = {"ours": ours, "ours with rows": with_rows, "onnxruntime": other}
        parts = [f"{what} {wall:6.2f} / {used:6.2f}" for what, (wall, used) in measured.items()]
        print(f"{name:20}", *parts, sep="  ")


if __name__ == "__main__":
    main()
