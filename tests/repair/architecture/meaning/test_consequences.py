"""What a repair means to a user: every label is true, none that is due is left out."""

from collections.abc import Iterator
from math import prod

import pytest
from numpy_axes import depends_together

from repair.architecture.edits import ChangeArgument, Edit, Insert, Move, Remove, Rewire
from repair.architecture.generate import faulty_network, valid_network
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.meaning.axes import REARRANGING
from repair.architecture.meaning.consequences import consequences
from repair.architecture.meaning.kinds import Consequence, Kind
from repair.architecture.rules import KERAS3, STRICT
from repair.architecture.search import ArchitectureRepair, repair
from repair.architecture.search.build import edits_of_layer
from repair.architecture.trace import trace

DENSE, LSTM = LayerSpec("Dense", {"units": 3}), LayerSpec("LSTM", {"units": 5})
SEQUENCES = LayerSpec("LSTM", {"units": 5, "return_sequences": True})
CONV = LayerSpec("Conv2D", {"filters": 4, "kernel_size": 3})
RELU = LayerSpec("ReLU")


def chain(shape: tuple[int | None, ...], *layers: LayerSpec) -> Graph:
    """Layers x1, x2, ... one after the other behind an input x0."""
    nodes = [Node("x0", LayerSpec("Input", {"shape": shape}))]
    nodes += [Node(f"x{k}", layer, (f"x{k - 1}",)) for k, layer in enumerate(layers, 1)]
    return Graph.of(nodes)


def insert(before: Graph, target: str, *layers: LayerSpec) -> tuple[Graph, tuple[Edit, ...]]:
    """New layers new1, new2, ... before a layer of one input."""
    start, nodes, edits = before[target].inputs[0], list(before.nodes), []
    for k, layer in enumerate(layers, 1):
        nodes.append(Node(f"new{k}", layer, (start,)))
        edits.append(Insert(f"new{k}", layer, start, target))
        start = f"new{k}"
    nodes[nodes.index(before[target])] = Node(target, before[target].layer, (start,))
    return Graph.of(nodes, before.outputs), tuple(edits)


def change(before: Graph, name: str, layer: LayerSpec) -> tuple[Graph, tuple[Edit, ...]]:
    """Another layer at a node."""
    edits = edits_of_layer(name, before[name].layer, layer)
    return before.with_layer(name, layer), tuple(edits)


def reshape(*sizes: int) -> LayerSpec:
    return LayerSpec("Reshape", {"target_shape": sizes})


def permute(*axes: int) -> LayerSpec:
    return LayerSpec("Permute", {"dims": axes})


def without(before: Graph, name: str) -> tuple[Graph, tuple[Edit, ...]]:
    node = before[name]
    nodes = [
        Node(n.name, n.layer, tuple(node.inputs[0] if i == name else i for i in n.inputs))
        for n in before.nodes
        if n is not node
    ]
    return Graph.of(nodes), (Remove(name, node.layer),)


def of(before: Graph, repaired: tuple[Graph, tuple[Edit, ...]]) -> tuple[Consequence, ...]:
    after, edits = repaired
    assert trace(after).valid, trace(after).errors
    return consequences(before, after, edits, KERAS3)


IMAGE, TWO_LSTMS = chain((8, 6, 2), CONV, DENSE), chain((7, 4), LSTM, LSTM)
FRAMES, STEPS = chain((7, 4, 3), LSTM), chain((7, 4), SEQUENCES, DENSE)
FOLDED = chain((4, 2, 3), reshape(4, 5), RELU)
WITH_WEIGHTS = chain((4,), LayerSpec("Dense", {"units": 3}, weights={"kernel": (5, 3)}))
TWICE = LayerSpec("Bidirectional", inner=(LayerSpec("LSTM", {"units": 5}),))
WIDER = LayerSpec("Bidirectional", inner=(LayerSpec("LSTM", {"units": 6}),))
ROWS = chain((9,), RELU, LSTM)
BOTH_WAYS = chain((7, 4), TWICE)
FLAT_CONV = chain((8, 6, 2), LayerSpec("Conv1D", {"filters": 4, "kernel_size": 3}))
REWIRED = (
    Graph.of([*IMAGE.nodes[:2], Node("x2", DENSE, ("x0",))], ("x2",)),
    (Rewire("x2", 0, "x1", "x0"),),
)
MOVED = (
    Graph.of([STEPS.nodes[0], Node("x2", DENSE, ("x0",)), Node("x1", SEQUENCES, ("x2",))]),
    (Move("x2", "x0", "x1"),),
)
EXAMPLES: list[tuple[Kind, str | None, Graph, tuple[Graph, tuple[Edit, ...]]]] = [
    (Kind.REMOVES_LAYER, "x1", TWO_LSTMS, without(TWO_LSTMS, "x1")),
    (Kind.CHANGES_OUTPUT, "x2", IMAGE, change(IMAGE, "x2", DENSE.change(units=4))),
    (Kind.CHANGES_OUTPUT, "x2", IMAGE, insert(IMAGE, "x2", LayerSpec("Flatten"))),
    (Kind.MIXES_TIME_STEPS, "new1", FRAMES, insert(FRAMES, "x1", reshape(28, 3))),
    (Kind.MIXES_TIME_STEPS, "new1", FRAMES, insert(FRAMES, "x1", permute(2, 1, 3), reshape(4, 21))),
    (Kind.CHANGES_LAYOUT, "new1", IMAGE, insert(IMAGE, "x2", permute(3, 1, 2))),
    (Kind.CHANGES_LAYOUT, "new1", IMAGE, insert(IMAGE, "x2", reshape(4, 6, 4))),
    (
        Kind.CHANGES_LAYOUT,
        "x1",
        IMAGE,
        change(
            IMAGE,
            "x1",
            CONV.change(data_format="channels_first", kernel_size=1),
        ),
    ),
    (Kind.GLUES_AXES, "new1", FRAMES, insert(FRAMES, "x1", reshape(7, 12))),
    (Kind.GLUES_AXES, "new1", IMAGE, insert(IMAGE, "x2", reshape(24, 4))),
    (Kind.TURNS_FEATURES_INTO_STEPS, "new1", TWO_LSTMS, insert(TWO_LSTMS, "x2", reshape(5, 1))),
    (Kind.CHANGES_WIDTH, "x1", IMAGE, change(IMAGE, "x1", CONV.change(filters=6))),
    (Kind.CHANGES_WIDTH, "x1", BOTH_WAYS, change(BOTH_WAYS, "x1", WIDER)),
    (Kind.CHANGES_TYPE, "x1", FLAT_CONV, change(FLAT_CONV, "x1", CONV)),
    (Kind.KEEPS_LAST_STEP, "x1", STEPS, change(STEPS, "x1", LSTM)),
    (Kind.CHANGES_CONNECTIONS, "x2", IMAGE, REWIRED),
    (Kind.CHANGES_CONNECTIONS, "x2", STEPS, MOVED),
    (Kind.GLUES_AXES, "x1", FOLDED, change(FOLDED, "x1", reshape(4, 6))),
    (Kind.ADDS_LAYER_WITH_WEIGHTS, "new1", IMAGE, insert(IMAGE, "x2", DENSE)),
    (Kind.LOSES_WEIGHTS, "x1", WITH_WEIGHTS, change(WITH_WEIGHTS, "x1", DENSE)),
    (Kind.DROPS_VALUES, "new1", IMAGE, insert(IMAGE, "x2", LayerSpec("MaxPooling2D"))),
    (Kind.ADDS_VALUES, "new1", IMAGE, insert(IMAGE, "x2", LayerSpec("ZeroPadding2D"))),
    (Kind.FLATTENS, "new1", IMAGE, insert(IMAGE, "x2", LayerSpec("Flatten"))),
    (Kind.TIMES_PARAMETERS, None, IMAGE, insert(IMAGE, "x2", LayerSpec("Flatten"))),
]


def name_of(value: object) -> str:
    return str(value) if isinstance(value, Kind) else ""


@pytest.mark.parametrize(("kind", "layer", "before", "repaired"), EXAMPLES, ids=name_of)
def test_an_example_of_each_kind(
    kind: Kind, layer: str | None, before: Graph, repaired: tuple[Graph, tuple[Edit, ...]]
) -> None:
    found = of(before, repaired)
    assert (kind, layer) in [(one.kind, one.layer) for one in found], found
    assert [one.kind for one in found] == sorted((one.kind for one in found), key=list(Kind).index)


def test_every_kind_has_an_example() -> None:
    assert {kind for kind, *_ in EXAMPLES} == set(Kind)


@pytest.mark.parametrize(
    ("before", "repaired"),
    [
        (TWO_LSTMS, change(TWO_LSTMS, "x1", SEQUENCES)),
        (TWO_LSTMS, insert(TWO_LSTMS, "x2", reshape(1, 5))),
        (STEPS, insert(STEPS, "x2", RELU)),
        (STEPS, insert(STEPS, "x2", reshape(7, 1, 5))),
        (IMAGE, insert(IMAGE, "x2", permute(1, 2, 3))),
        (ROWS, insert(ROWS, "x2", reshape(9, 1))),
    ],
)
def test_what_changes_nothing_of_note_has_no_label(
    before: Graph, repaired: tuple[Graph, tuple[Edit, ...]]
) -> None:
    assert {one.kind for one in of(before, repaired)} <= {Kind.CHANGES_OUTPUT}


@pytest.mark.parametrize(
    ("absent", "before", "repaired"),
    [
        (Kind.MIXES_TIME_STEPS, IMAGE, insert(IMAGE, "x2", reshape(24, 4))),
        (Kind.MIXES_TIME_STEPS, FRAMES, insert(FRAMES, "x1", reshape(7, 12))),
        (Kind.GLUES_AXES, IMAGE, insert(IMAGE, "x2", reshape(1, 96))),
        (Kind.FLATTENS, IMAGE, insert(IMAGE, "x2", reshape(24, 4))),
        (Kind.CHANGES_LAYOUT, FRAMES, insert(FRAMES, "x1", reshape(7, 12))),
    ],
)
def test_what_is_not_so_is_not_said(
    absent: Kind, before: Graph, repaired: tuple[Graph, tuple[Edit, ...]]
) -> None:
    assert absent not in {one.kind for one in of(before, repaired)}


def test_a_vector_is_features_once_a_layer_has_learned_it() -> None:
    inner = LayerSpec("Sequential", inner=(LayerSpec("Dense", {"units": 9}),))
    for layer, learned in ((inner, True), (inner.inner[0], True), (RELU, False)):
        before = chain((9,), layer, LSTM)
        kinds = {one.kind for one in of(before, insert(before, "x2", reshape(9, 1)))}
        assert (Kind.TURNS_FEATURES_INTO_STEPS in kinds) == learned


def test_a_smaller_network_is_told_as_well() -> None:
    before = chain((9,), DENSE.change(units=50), DENSE)
    found = of(before, change(before, "x1", DENSE.change(units=5)))
    (ratio,) = (one.number for one in found if one.kind is Kind.TIMES_PARAMETERS)
    assert ratio == (50 + 18) / (500 + 153)


def test_stated_sizes_are_no_weights_to_lose() -> None:
    after, edits = change(WITH_WEIGHTS, "x1", DENSE)
    assert not consequences(WITH_WEIGHTS, after, edits, KERAS3, given_weights=False)


REPAIRED_BY = [
    (size, seed, rules) for size in (3, 8) for seed in range(40) for rules in (KERAS3, STRICT)
]


def repairs() -> Iterator[tuple[Graph, ArchitectureRepair, tuple[Consequence, ...]]]:
    for size, seed, rules in REPAIRED_BY:
        before = faulty_network(size, seed, rules)
        for found in repair(before, rules, time_limit=2.0).repairs:
            yield before, found, consequences(before, found.graph, found.edits, rules)


def test_labels_of_random_repairs_are_true_and_complete() -> None:
    seen: set[Kind] = set()
    for before, found, labels in repairs():
        after, old, new = found.graph, trace(before), trace(found.graph)
        by_kind: dict[Kind, dict[str | None, float | None]] = {kind: {} for kind in Kind}
        for one in labels:
            by_kind[one.kind][one.layer] = one.number
        seen |= {one.kind for one in labels}
        assert by_kind[Kind.REMOVES_LAYER].keys() == before.by_name.keys() - after.by_name.keys()
        outputs = [
            (source(b)[0], old.shape_of(*source(a)), new.shape_of(*source(b)))
            for a, b in zip(before.outputs, after.outputs, strict=True)
        ]
        assert by_kind[Kind.CHANGES_OUTPUT].keys() == {
            name for name, was, now in outputs if was and now and not agree(was, now)
        }
        inserted = {edit.name: edit for edit in found.edits if isinstance(edit, Insert)}
        for name, edit in inserted.items():
            given, output = new.shapes[after[name].inputs[0]], new.shapes[name]
            assert given is not None
            assert output is not None
            ratio = prod(output[1:]) / prod(given[1:])  # type: ignore[arg-type]
            learns = edit.layer.type in ("Dense", "Conv1D", "Conv2D", "Conv3D")
            assert (name in by_kind[Kind.ADDS_LAYER_WITH_WEIGHTS]) == learns
            if not learns and edit.layer.type not in REARRANGING:
                assert by_kind[Kind.DROPS_VALUES].get(name, 1) == min(ratio, 1)
                assert by_kind[Kind.ADDS_VALUES].get(name, 1) == max(ratio, 1)
            if edit.layer.type in ("Reshape", "Flatten"):
                groups = depends_together(given[1:], output[1:])  # type: ignore[arg-type]
                joined = any(len(a) > 1 and len(b) == 1 for a, b in groups)
                assert (name in by_kind[Kind.GLUES_AXES]) == (joined and len(groups) > 1)
                assert (name in by_kind[Kind.FLATTENS]) == (joined and len(groups) == 1)
                mixed = any(len(a) > 1 and len(b) > 1 for a, b in groups)
                assert (name in by_kind[Kind.CHANGES_LAYOUT]) == mixed
                if name in by_kind[Kind.MIXES_TIME_STEPS]:
                    assert (frozenset({0}), frozenset({0})) not in groups
            else:
                assert name not in by_kind[Kind.GLUES_AXES]
        for kind in (Kind.CHANGES_WIDTH, Kind.KEEPS_LAST_STEP):
            changed = {e.layer for e in found.edits if not isinstance(e, Insert | Remove | Move)}
            assert by_kind[kind].keys() <= changed
        for edit in found.edits:
            if isinstance(edit, ChangeArgument) and edit.argument in ("units", "filters"):
                assert by_kind[Kind.CHANGES_WIDTH][edit.layer] == edit.after
    assert len(seen) > 8, seen


def agree(was: Shape, now: Shape) -> bool:
    return len(was) == len(now) and all(
        a == b or None in (a, b) for a, b in zip(was, now, strict=True)
    )


def test_the_ratio_of_parameters_is_that_of_keras() -> None:
    oracle = pytest.importorskip("keras_oracle")
    told = 0
    for seed in range(12):
        before = valid_network(4, seed, inputs=1)
        wide = [node for node in before.nodes if node.layer.type == "Dense"]
        if not wide:
            before = chain((5, 3), DENSE, LSTM)
            wide = [before["x1"]]
        after, edits = change(before, wide[0].name, wide[0].layer.change(units=40))
        if not trace(after).valid:
            continue
        was, now = (oracle.model(graph)[0].count_params() for graph in (before, after))
        labels = {one.kind: one.number for one in consequences(before, after, edits, KERAS3)}
        assert labels.get(Kind.TIMES_PARAMETERS) == (now / was if now >= 2 * was else None)
        told += Kind.TIMES_PARAMETERS in labels
    assert told > 2


def test_parameters_that_an_error_hides_are_no_growth() -> None:
    before = chain((8, 6, 2), CONV, LSTM, LayerSpec("Flatten"), DENSE)
    after, edits = insert(before, "x2", reshape(6, 16))
    assert Kind.TIMES_PARAMETERS not in {one.kind for one in of(before, (after, edits))}
