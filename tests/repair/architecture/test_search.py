"""The repair search: valid, minimal against a brute force of its own, readable, bounded."""

import csv
import gzip
import json
from itertools import product
from pathlib import Path

import pytest

from repair.architecture import cost
from repair.architecture.edits import ChangeArgument, Insert, MakeWeights, Move, Remove, count
from repair.architecture.formats.exais import read
from repair.architecture.generate import faulty
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import Layer
from repair.architecture.rules import KERAS3, STRICT, Rules
from repair.architecture.search import Status, repair
from repair.architecture.search.bound import relax, roots_bound
from repair.architecture.search.moves import moves
from repair.architecture.trace import trace
from repair.errors import InputError


def chain(*layers: Layer) -> Graph:
    names = [f"{layer.type.lower()}_{k}" for k, layer in enumerate(layers)]
    reads = [(), *((name,) for name in names[:-1])]
    return Graph.of(map(Node, names, layers, reads))


def image(*layers: Layer) -> Graph:
    return chain(Layer("Input", {"shape": (28, 28, 1)}), *layers)


CONV = Layer("Conv2D", {"filters": 8, "kernel_size": (3, 3)})
DENSE = Layer("Dense", {"units": 10})


def test_a_valid_network_comes_back_unchanged() -> None:
    graph = image(CONV, Layer("Flatten"), DENSE)
    result = repair(graph)
    assert (result.status, result.bound, result.proven) == (Status.VALID, 0, True)
    assert result.repairs[0].graph is graph
    assert result.repairs[0].edits == ()


@pytest.mark.parametrize(
    ("graph", "edit"),
    [
        (chain(Layer("Input", {"shape": (100,)}), Layer("Embedding", {"input_dim": 9, "output_dim": 4}),
               Layer("LSTM", {"units": 5}), Layer("LSTM", {"units": 6}), DENSE),
         "lstm_2: return_sequences=True"),
        (image(CONV, Layer("Flatten"), CONV, Layer("Flatten"), DENSE),
         "remove flatten_2: Flatten()"),
        (chain(Layer("Input", {"shape": (3, 32, 32)}), CONV, CONV, CONV, Layer("Flatten"), DENSE),
         "insert Permute(dims=(2, 3, 1)) between input_0 and conv2d_1"),
        (chain(Layer("Input", {"shape": (8, 8, 3)}), Layer("MaxPooling2D", {"pool_size": (9, 9)}),
               Layer("Flatten"), DENSE),
         "maxpooling2d_1: padding='same'"),
        (chain(Layer("Input", {"shape": (12,)}), Layer("Reshape", {"target_shape": (3, 5)}),
               Layer("LSTM", {"units": 2})),
         "reshape_1: target_shape=(3, 4) (was (3, 5))"),
        (image(Layer("Conv2D", {"filters": 8, "kernel_size": (3, 3), "padding": "smae"}),
               Layer("Flatten"), DENSE),
         "conv2d_1: padding='same' (was 'smae')"),
    ],
    ids=["return_sequences", "early flatten", "channels first", "pool", "target shape", "misspelt"],
)  # fmt: skip
def test_what_a_person_would_do_is_among_the_first_three(graph: Graph, edit: str) -> None:
    result = repair(graph)
    assert result.repairs[0].count == 1
    assert [edit] in [[str(e) for e in found.edits] for found in result.repairs]


def test_a_shortcut_gets_a_projection() -> None:
    graph = Graph.of([
        Node("image", Layer("Input", {"shape": (16, 16, 8)})),
        Node("down", Layer("Conv2D", {"filters": 16, "kernel_size": 3, "strides": 2,
                                      "padding": "same"}), ("image",)),
        Node("sum", Layer("Add"), ("down", "image")),
    ])  # fmt: skip
    (best, *_) = repair(graph).repairs
    (edit,) = best.edits
    assert isinstance(edit, Insert)
    assert str(edit.layer) == "Conv2D(filters=16, kernel_size=(1, 1), strides=(2, 2))"
    assert (edit.source, edit.target) == ("image", "sum")


def test_every_repair_is_valid_keeps_inputs_and_adds_no_constant() -> None:
    for seed in range(12):
        graph = faulty(12, seed)
        result = repair(graph)
        assert result.status is Status.REPAIRED
        for found in result.repairs:
            assert trace(found.graph).valid
            assert found.count >= result.bound or found.not_kept
            given = [node for node in graph.nodes if not node.inputs]
            assert [node for node in found.graph.nodes if not node.inputs] == given
            assert len(found.graph.outputs) == len(graph.outputs)


def test_repairs_are_ranked_and_none_contains_a_better_one() -> None:
    for seed in range(12):
        found = repair(faulty(10, seed)).repairs
        assert [r.cost for r in found] == sorted(r.cost for r in found)
        texts = [set(map(str, r.edits)) for r in found]
        assert not any(a < b or a == b for k, a in enumerate(texts) for b in texts[k + 1 :])


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (repair(faulty(15, 3)) for _ in range(2))
    assert [r.edits for r in first.repairs] == [r.edits for r in second.repairs]


def test_edits_are_counted_as_in_the_published_table() -> None:
    flat, dense = Layer("Flatten"), Layer("Dense", {"units": 2})
    edits = [
        ChangeArgument("conv", "padding", "valid", "same"),
        ChangeArgument("conv", "strides", 1, 2),
        MakeWeights("conv", {}, {}),
        MakeWeights("dense", {}, {}),
        Insert("flatten", flat, "conv", "dense"),
        Remove("other", dense),
        Move("last", "conv", None),
    ]
    assert count(edits) == 5  # conv, flatten, other, and a move is a removal and an insertion


def test_costs_are_lexicographic() -> None:
    widths, many, one = cost.KEPT, 9 * (cost.EDIT + cost.REMOVE), cost.EDIT + cost.REMOVE
    assert widths > many > one > cost.EDIT + cost.DENSE > cost.EDIT + cost.ARGUMENT
    packed = 2 * cost.KEPT + 3 * cost.EDIT + 7
    assert (cost.not_kept(packed), cost.edits(packed), cost.drastic(packed)) == (2, 3, 7)


def test_widths_are_kept_although_one_would_do() -> None:
    wide = [Node("a", Layer("Input", {"shape": (5,)})), Node("b", Layer("Input", {"shape": (6,)})),
            Node("left", Layer("Dense", {"units": 4}), ("a",)),
            Node("right", Layer("Dense", {"units": 3}), ("b",)),
            Node("sum", Layer("Add"), ("left", "right"))]  # fmt: skip
    best = repair(Graph.of(wide)).repairs[0]
    assert best.not_kept == 0
    assert best.graph["left"].layer.arguments["units"] == 4
    assert best.graph["right"].layer.arguments["units"] == 3


def test_the_head_stays_the_head() -> None:
    graph = image(Layer("Flatten"), DENSE, Layer("ZeroPadding2D", {"padding": 1}))
    best = repair(graph).repairs[0]
    assert [str(e) for e in best.edits] == ["remove zeropadding2d_3: ZeroPadding2D(padding=1)"]


def test_one_edit_above_a_shared_layer_is_enough_for_all_its_readers() -> None:
    conv = Layer("Conv2D", {"filters": 4, "kernel_size": (5, 5)})
    graph = Graph.of([
        Node("image", Layer("Input", {"shape": (1, 28, 28)})),
        Node("stem", Layer("ReLU"), ("image",)),
        Node("left", conv, ("stem",)),
        Node("right", conv.change(kernel_size=(7, 7)), ("stem",)),
    ])  # fmt: skip
    before = trace(graph)
    assert len(before.roots) == 2
    assert roots_bound(graph, before) == 1  # the two have a cause in common
    best = repair(graph).repairs[0]
    assert best.count == 1
    assert best.edits[0].target == "stem"


def test_an_output_that_does_not_exist_is_read_where_it_does() -> None:
    graph = Graph.of([
        Node("x", Layer("Input", {"shape": (4, 3)})),
        Node("lstm", Layer("LSTM", {"units": 5}), ("x",)),
        Node("head", DENSE, ("lstm:1",)),
    ])  # fmt: skip
    (best, *_) = repair(graph).repairs
    assert [str(e) for e in best.edits] == ["head: reads lstm instead of lstm:1"]
    assert best.not_kept == 0


def test_moves_and_rewirings_are_valid_and_a_rewiring_keeps_less() -> None:
    flat, reshape = Layer("Flatten"), Layer("Reshape", {"target_shape": (4, 4, 2)})
    graph = chain(Layer("Input", {"shape": (32,)}), CONV, reshape, flat, DENSE)
    found = moves(graph, KERAS3, trace(graph))
    assert found == ()  # the convolution has weights: it is not moved
    graph = chain(Layer("Input", {"shape": (8, 8, 2)}), flat, Layer("MaxPooling2D"), DENSE)
    texts = [[str(e) for e in r.edits] for r in moves(graph, KERAS3, trace(graph))]
    assert ["move flatten_1 between maxpooling2d_2 and dense_3"] in texts
    for made in moves(graph, KERAS3, trace(graph)):
        assert trace(made.graph).valid
        assert made.count == 2


def test_a_layer_used_twice_changes_for_both_uses_or_not_at_all() -> None:
    dense = Layer("Dense", {"units": 3})
    graph = Graph.of([
        Node("a", Layer("Input", {"shape": (5,)})), Node("b", Layer("Input", {"shape": (6,)})),
        Node("first", dense, ("a",)), Node("second", dense, ("b",), shares="first"),
    ])  # fmt: skip
    result = repair(graph)
    assert result.status is Status.REPAIRED
    best = result.repairs[0].graph
    assert best["first"].layer == best["second"].layer


@pytest.mark.parametrize("size", [81, 200])
def test_large_networks_are_repaired(size: int) -> None:
    graph = faulty(size, 1)
    result = repair(graph, alternatives=1)
    assert result.status is Status.REPAIRED
    assert trace(result.repairs[0].graph).valid


def test_out_of_time_there_is_a_repair_but_no_proof() -> None:
    graph = faulty(30, 2)
    for _ in range(2):
        result = repair(graph, time_limit=0.0)
        assert trace(result.repairs[0].graph).valid
        assert result.proven == (result.repairs[0].count == result.bound)


def test_long_chains_are_repaired_without_deep_recursion() -> None:
    relu, lstm = Layer("ReLU"), Layer("LSTM", {"units": 8, "return_sequences": True})
    graph = image(CONV, *[relu] * 600, lstm, *[relu] * 600)
    result = repair(graph)
    assert result.repairs[0].count == 1
    assert result.proven


SHAPES = [shape for rank in (1, 2) for shape in product((1, 2, 3), repeat=rank)]


def single_insertions(graph: Graph, rules: Rules) -> bool:
    """Whether one inserted layer of a written-out list makes a network of merges valid."""
    layers = [Layer("Flatten"), Layer("GlobalAveragePooling1D")]
    layers += [Layer("Dense", {"units": n}) for n in (1, 2, 3)]
    layers += [Layer("RepeatVector", {"n": n}) for n in (1, 2, 3)]
    layers += [Layer("Reshape", {"target_shape": shape}) for shape in SHAPES]
    layers += [Layer("ZeroPadding1D", {"padding": (0, n)}) for n in (1, 2)]
    layers += [Layer("Cropping1D", {"cropping": (0, n)}) for n in (1, 2)]
    layers += [Layer("Conv1D", {"filters": f, "kernel_size": 1, "strides": s})
               for f in (1, 2, 3) for s in (1, 2, 3)]  # fmt: skip
    for node in graph.nodes:
        for place, source in enumerate(node.inputs):
            inputs = (*node.inputs[:place], "new", *node.inputs[place + 1 :])
            rest = [Node(n.name, n.layer, inputs if n is node else n.inputs) for n in graph.nodes]
            for layer in layers:
                if trace(
                    Graph.of([*rest, Node("new", layer, (source,))], graph.outputs), rules
                ).valid:
                    return True
    return False


@pytest.mark.parametrize("rules", [KERAS3, STRICT], ids=["keras3", "strict"])
def test_one_edit_is_found_exactly_where_a_brute_force_finds_one(rules: Rules) -> None:
    compared = 0
    for a, b in product(SHAPES, repeat=2):
        graph = Graph.of([Node("a", Layer("Input", {"shape": a})),
                          Node("b", Layer("Input", {"shape": b})),
                          Node("sum", Layer("Add"), ("a", "b"))])  # fmt: skip
        if trace(graph, rules).valid:
            continue
        result = repair(graph, rules, alternatives=1)
        assert result.proven
        assert (result.repairs[0].count == 1) == single_insertions(graph, rules), (a, b)
        compared += 1
    assert compared > 20


def test_bounds_never_exceed_what_is_found_and_come_from_every_shape() -> None:
    for seed in range(25):
        graph = faulty(6, seed, STRICT)
        before = trace(graph, STRICT)
        result = repair(graph, STRICT, alternatives=1)
        best = result.repairs[0]
        shapes = (*before.shapes.values(), *trace(best.graph, STRICT).shapes.values())
        relaxation = relax(graph, STRICT, [s for s in shapes if s and None not in s[1:]])
        bounds = [roots_bound(graph, before), relaxation.bound if relaxation else 0]
        assert max(bounds) <= best.count


def test_published_random_cases(data_pack: Path) -> None:
    """A tenth of the 500: valid under both rules, few edits, most proven; the rest by the harness."""
    with (data_pack / "exais/published_random_even.csv").open(encoding="utf-8") as file:
        published = {int(row["case"]): row for row in csv.DictReader(file)}
    edits, proven = [], 0
    with gzip.open(data_pack / "exais/random_even.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % 10:
                continue
            case = json.loads(line)
            for rules in (STRICT, KERAS3):
                graph = read(case["terms"], weights=rules.strict)
                result = repair(graph, rules, alternatives=1)
                assert result.status in (Status.VALID, Status.REPAIRED)
                best = result.repairs[0]
                assert trace(best.graph, rules).valid
                assert best.not_kept == 0
                assert result.bound <= best.count
                if rules is STRICT:
                    row = published[case["case"]]
                    assert best.count <= int(row["t_edit_ops"]) + int(row["t_units_changed"])
                    edits.append(best.count)
                    proven += result.proven
    assert len(edits) == 50
    assert sum(edits) / 50 <= 4.7
    assert proven >= 45


def test_an_argument_that_is_not_known_is_taken_out_whatever_its_value() -> None:
    wrong = Layer("Dense", {"units": 4, "filters": None})
    result = repair(image(Layer("Flatten"), wrong, Layer("Dense", {"units": 2, "kernel_size": 3})))
    first = result.repairs[0]
    assert list(map(str, first.edits)) == [
        "dense_2: without filters (was None)",
        "dense_3: without kernel_size (was 3)",
    ]
    assert (first.count, result.bound, result.proven) == (2, 2, True)


def test_tensors_beyond_what_arguments_can_say_are_refused_with_the_error_and_the_place() -> None:
    huge = chain(Layer("Input", {"shape": (10**5, 10**5)}), Layer("Flatten"), CONV)
    with pytest.raises(InputError, match=r"'conv2d_2' needs .* 'input_0' yields .* make it small"):
        repair(huge)


def test_kernels_are_not_taken_out_and_what_changes_widths_is_not_called_proven() -> None:
    deep = Layer("DepthwiseConv2D", {"kernel_size": (3, 3)})
    removed = {edit.name for found in repair(image(Layer("Flatten"), deep, DENSE), alternatives=9).repairs
               for edit in found.edits if isinstance(edit, Remove)}  # fmt: skip
    assert "depthwiseconv2d_2" not in removed
    for seed in range(8):
        result = repair(faulty(10, seed))
        assert not (result.proven and result.repairs[0].not_kept)


@pytest.mark.parametrize(
    ("layer", "edits"),
    [
        (Layer("MaxPooling2D", {"pool_size": (9, 9)}), ["first: padding='same'"]),
        (Layer("Conv1D", {"filters": 4, "kernel_size": 3}),
         ["first: Conv2D(filters=4, kernel_size=3) instead of Conv1D"]),
        (Layer("LSTM", {"units": 3}),
         ["insert Reshape(target_shape=(64, 3)) between left and first",
          "insert Reshape(target_shape=(64, 3)) between right and again"]),
    ],
    ids=["pool", "rank", "steps"],
)  # fmt: skip
def test_a_layer_that_is_called_twice_is_edited_once(layer: Layer, edits: list[str]) -> None:
    graph = Graph.of([
        Node("left", Layer("Input", {"shape": (8, 8, 3)})),
        Node("right", Layer("Input", {"shape": (8, 8, 3)})),
        Node("first", layer, ("left",)), Node("again", layer, ("right",), "first"),
        Node("sum", Layer("Add"), ("first", "again")),
    ])  # fmt: skip
    result = repair(graph)
    best = result.repairs[0]
    assert [str(edit) for edit in best.edits] == edits
    assert (result.bound, result.proven, best.count) == (len(edits), True, len(edits))
    assert best.graph["again"].shares == "first"
    assert roots_bound(graph, trace(graph)) == 1
