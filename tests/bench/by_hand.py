"""The files of a run evaluated without the harness: patches added in NumPy, experts combined as the paper words it."""

import jax
import numpy as np
import onnxruntime
import pytest

from bench.records.gallery import EXAMPLES
from repair.weights import formats

UNCLEAR = 1e-3  # outputs closer than this may come out in another order elsewhere
LEFT = {"record.json", "config.yaml", ".lock", EXAMPLES}


def unit(images):
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def forward(weights, images):
    """The outputs (N, 10) of two dense layers with a ReLU between, in NumPy alone."""
    first, last = weights.values()
    hidden = np.maximum(unit(images) @ first["kernel"] + first["bias"], 0)
    return hidden @ last["kernel"] + last["bias"]


def outputs_of(path, images):
    """What the network in a file gives, by the software that such files are for."""
    scaled = images.astype(np.float32) / 255
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(path)
        return session.run(["output"], {"input": scaled.transpose(0, 3, 1, 2)})[0]
    if path.suffix == ".h5":
        keras = pytest.importorskip("keras")
        with jax.numpy_dtype_promotion("standard"):
            return np.log(np.asarray(keras.models.load_model(path)(scaled, training=False)))
    return np.asarray(formats.load(path).logits(images))


def patched(weights, patch, prefix=""):
    """Weights with a patch file's values added, as the README says; and how many numbers it changes."""
    new = {name: dict(layer) for name, layer in weights.items()}
    count = 0
    for key in patch:
        if key.startswith(prefix) and key.endswith("/indices"):
            layer, array, _ = key.removeprefix(prefix).split("/")
            changed = new[layer][array].astype(np.float64)
            changed.ravel()[patch[key]] += patch[f"{prefix}{layer}/{array}/values"]
            new[layer][array] = changed.astype(np.float32)
            count += np.count_nonzero(patch[f"{prefix}{layer}/{array}/values"])
    return new, count


def combined(original, experts, precisions):
    """The rules of NNrepair, as its paper words them: name -> answers (N,); `experts` by class."""
    found = {name: original.argmax(1) for name in ("ORIG", "NAIVE", "PREC", "CONF", "VOTES", "PVC")}
    named = {c: logits.argmax(1) for c, logits in experts.items()}
    for i in range(len(original)):
        claimants = [c for c in experts if named[c][i] == c]
        if not claimants:
            continue
        votes = [answers[i] for answers in named.values()]
        best = {
            "PREC": max(claimants, key=lambda c: (precisions[c], -c)),
            "CONF": max(claimants, key=lambda c: (experts[c][i, c], -c)),
            "VOTES": max(claimants, key=lambda c: (votes.count(c), -c)),
        }
        best["PVC"] = max(claimants, key=lambda c: ([*best.values()].count(c), -c))
        if len(claimants) == 1:
            best["NAIVE"] = claimants[0]
        for name, answer in best.items():
            found[name][i] = answer
    return found


def answers_of_experts(path, weights, images):
    """Name -> answers (N,) of every combination that a file of experts allows, and the weights that it changes."""
    arrays = dict(np.load(path, allow_pickle=False))
    classes = arrays["classes"].tolist()
    precisions = dict(zip(classes, arrays["precisions"].tolist(), strict=True))
    made = {c: patched(weights, arrays, f"expert/{c}/") for c in classes}
    logits = {c: forward(new, images) for c, (new, _) in made.items()}
    groups = {"": classes}
    groups |= {
        key.replace("selection/", "@"): kept.tolist()
        for key, kept in arrays.items()
        if key.startswith("selection/")
    }
    answers, counts = {}, {"ORIG": 0}
    if "full/base" in arrays:
        full, counts["FULL"] = patched(weights, arrays, "full/")
        answers["FULL"] = forward(full, images).argmax(1)
    for suffix, kept in groups.items():
        rules = combined(forward(weights, images), {c: logits[c] for c in kept}, precisions)
        answers |= {name if name == "ORIG" else name + suffix: a for name, a in rules.items()}
        counts |= {name + suffix: sum(made[c][1] for c in kept) for name in rules if name != "ORIG"}
        mean = {
            name: {
                key: np.float32(
                    array
                    + sum(np.float64(made[c][0][name][key]) - array for c in kept)
                    / max(len(kept), 1)
                )
                for key, array in layer.items()
            }
            for name, layer in weights.items()
        }
        answers[f"AVERAGE{suffix}"] = forward(mean, images).argmax(1)
    return answers, counts


def agree(outputs, labels, accuracy):
    """Whether outputs (N, 10) are right as often as a record says, but for images that are on the boundary."""
    second, first = np.sort(outputs, 1)[:, -2:].T
    unclear = int((first - second < UNCLEAR).sum())
    assert unclear <= 0.03 * len(labels)
    assert accuracy.total == len(labels)
    assert abs((outputs.argmax(1) == labels).sum() - accuracy.correct) <= unclear


def check(run, weights, tests):
    """Every file of a run's folder against its record.

    Args:
        weights: of the unrepaired network.
        tests: "clean", "defect" -> images and labels to measure on.
    """
    record, folder = run.record, run.folder
    files = {path.name: path for path in folder.iterdir() if path.name not in LEFT}
    experts, patch = files.pop("experts.npz", None), files.pop("patch.npz", None)
    repaired = {files.pop(name) for name in list(files) if name.startswith("repaired.")}
    assert not files
    alone = None
    if patch is not None:
        alone, count = patched(weights, dict(np.load(patch, allow_pickle=False)))
        assert record.patch["weights_changed"] == count
    gallery = np.load(folder / EXAMPLES)
    for what, (images, labels) in tests.items():
        before, after = (record.metrics[f"{what}_{when}"] for when in ("before", "after"))
        agree(forward(weights, images), labels, before)
        assert getattr(record.combinations[record.chosen], what) == after
        if record.chosen == "ORIG":
            assert before == after
        if alone is not None:
            agree(forward(alone, images), labels, after)
        for path in repaired:
            agree(outputs_of(path, images), labels, after)
        if experts is not None:
            answers, counts = answers_of_experts(experts, weights, images)
            assert answers.keys() == record.combinations.keys()
            for name, answer in answers.items():
                measured = getattr(record.combinations[name], what)
                assert abs((answer == labels).sum() - measured.correct) <= 0.01 * len(labels)
            if record.chosen in counts:
                assert record.patch["weights_changed"] == counts[record.chosen]
    if alone is not None:
        assert (forward(alone, gallery["attacked"]).argmax(1) == gallery["after"]).mean() > 0.8
    elif record.chosen == "ORIG":
        np.testing.assert_array_equal(gallery["before"], gallery["after"])
    # A repaired network is there exactly where one was measured; if not, the record says why.
    assert (patch is None) == ("no_patch" in record.details)
    assert not (repaired and patch is None)
    if record.chosen == "ORIG":
        assert patch is None
        assert not (record.patch or {}).get("weights_changed")
    return experts, patch, repaired
