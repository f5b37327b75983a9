"""The repair search: valid, minimal against a brute force of its own, readable, bounded."""

import pytest

from repair.architecture.edits import Insert, Remove
from repair.architecture.generate import faulty_network
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import KERAS3
from repair.architecture.search import SearchStatus, repair
from repair.architecture.search.bound import roots_bound
from repair.architecture.trace import trace
from repair.errors import InputError


def chain(*layers: LayerSpec) -> Graph:
    names = [f"{layer.type.lower()}_{k}" for k, layer in enumerate(layers)]
    reads = [(), *((name,) for name in names[:-1])]
    return Graph.of(map(Node, names, layers, reads))


def image(*layers: LayerSpec) -> Graph:
    return chain(LayerSpec("Input", {"shape": (28, 28, 1)}), *layers)


CONV = LayerSpec("Conv2D", {"filters": 8, "kernel_size": (3, 3)})
DENSE = LayerSpec("Dense", {"units": 10})


def test_a_valid_network_comes_back_unchanged() -> None:
    graph = image(CONV, LayerSpec("Flatten"), DENSE)
    result = repair(graph)
    assert (result.status, result.bound, result.proven) == (SearchStatus.VALID, 0, True)
    assert result.repairs[0].graph is graph
    assert result.repairs[0].edits == ()


@pytest.mark.parametrize(
    ("graph", "edit"),
    [
        (
            chain(
                LayerSpec("Input", {"shape": (100,)}),
                LayerSpec("Embedding", {"input_dim": 9, "output_dim": 4}),
                LayerSpec("LSTM", {"units": 5}),
                LayerSpec("LSTM", {"units": 6}),
                DENSE,
            ),
            "lstm_2: return_sequences=True",
        ),
        (
            image(CONV, LayerSpec("Flatten"), CONV, LayerSpec("Flatten"), DENSE),
            "remove flatten_2: Flatten()",
        ),
        (
            chain(
                LayerSpec("Input", {"shape": (3, 32, 32)}),
                CONV,
                CONV,
                CONV,
                LayerSpec("Flatten"),
                DENSE,
            ),
            "insert Permute(dims=(2, 3, 1)) between input_0 and conv2d_1",
        ),
        (
            chain(
                LayerSpec("Input", {"shape": (8, 8, 3)}),
                LayerSpec("MaxPooling2D", {"pool_size": (9, 9)}),
                LayerSpec("Flatten"),
                DENSE,
            ),
            "maxpooling2d_1: padding='same'",
        ),
        (
            chain(
                LayerSpec("Input", {"shape": (12,)}),
                LayerSpec("Reshape", {"target_shape": (3, 5)}),
                LayerSpec("LSTM", {"units": 2}),
            ),
            "reshape_1: target_shape=(3, 4) (was (3, 5))",
        ),
        (
            image(
                LayerSpec("Conv2D", {"filters": 8, "kernel_size": (3, 3), "padding": "smae"}),
                LayerSpec("Flatten"),
                DENSE,
            ),
            "conv2d_1: padding='same' (was 'smae')",
        ),
    ],
    ids=["return_sequences", "early flatten", "channels first", "pool", "target shape", "misspelt"],
)
def test_what_a_person_would_do_is_among_the_first_three(graph: Graph, edit: str) -> None:
    result = repair(graph)
    assert result.repairs[0].count == 1
    assert [edit] in [[str(e) for e in found.edits] for found in result.repairs]


def test_a_shortcut_gets_a_projection() -> None:
    graph = Graph.of(
        [
            Node("image", LayerSpec("Input", {"shape": (16, 16, 8)})),
            Node(
                "down",
                LayerSpec(
                    "Conv2D", {"filters": 16, "kernel_size": 3, "strides": 2, "padding": "same"}
                ),
                ("image",),
            ),
            Node("sum", LayerSpec("Add"), ("down", "image")),
        ]
    )
    (best, *_) = repair(graph).repairs
    (edit,) = best.edits
    assert isinstance(edit, Insert)
    assert str(edit.layer) == "Conv2D(filters=16, kernel_size=(1, 1), strides=(2, 2))"
    assert (edit.source, edit.target) == ("image", "sum")


def test_every_repair_is_valid_keeps_inputs_and_adds_no_constant() -> None:
    for seed in range(12):
        graph = faulty_network(12, seed)
        result = repair(graph)
        assert result.status is SearchStatus.REPAIRED
        assert result.repairs
        for found in result.repairs:
            assert trace(found.graph).valid
            assert found.count >= result.bound or found.not_kept
            given = [node for node in graph.nodes if not node.inputs]
            assert [node for node in found.graph.nodes if not node.inputs] == given
            assert len(found.graph.outputs) == len(graph.outputs)


def test_repairs_are_ranked_and_none_contains_a_better_one() -> None:
    for seed in range(12):
        found = repair(faulty_network(10, seed)).repairs
        assert found
        assert [r.cost for r in found] == sorted(r.cost for r in found)
        texts = [set(map(str, r.edits)) for r in found]
        assert not any(a < b or a == b for k, a in enumerate(texts) for b in texts[k + 1 :])


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (repair(faulty_network(15, 3)) for _ in range(2))
    assert [r.edits for r in first.repairs] == [r.edits for r in second.repairs]


def test_widths_are_kept_although_one_would_do() -> None:
    wide = [
        Node("a", LayerSpec("Input", {"shape": (5,)})),
        Node("b", LayerSpec("Input", {"shape": (6,)})),
        Node("left", LayerSpec("Dense", {"units": 4}), ("a",)),
        Node("right", LayerSpec("Dense", {"units": 3}), ("b",)),
        Node("sum", LayerSpec("Add"), ("left", "right")),
    ]
    best = repair(Graph.of(wide)).repairs[0]
    assert best.not_kept == 0
    assert best.graph["left"].layer.arguments["units"] == 4
    assert best.graph["right"].layer.arguments["units"] == 3


def test_the_head_stays_the_head() -> None:
    graph = image(LayerSpec("Flatten"), DENSE, LayerSpec("ZeroPadding2D", {"padding": 1}))
    best = repair(graph).repairs[0]
    assert [str(e) for e in best.edits] == ["remove zeropadding2d_3: ZeroPadding2D(padding=1)"]


def test_one_edit_above_a_shared_layer_is_enough_for_all_its_readers() -> None:
    conv = LayerSpec("Conv2D", {"filters": 4, "kernel_size": (5, 5)})
    graph = Graph.of(
        [
            Node("image", LayerSpec("Input", {"shape": (1, 28, 28)})),
            Node("stem", LayerSpec("ReLU"), ("image",)),
            Node("left", conv, ("stem",)),
            Node("right", conv.change(kernel_size=(7, 7)), ("stem",)),
        ]
    )
    before = trace(graph)
    assert len(before.roots) == 2
    assert roots_bound(graph, before) == 1  # the two have a cause in common
    best = repair(graph).repairs[0]
    assert best.count == 1
    assert best.edits[0].target == "stem"


@pytest.mark.parametrize("size", [81, 200])
def test_large_networks_are_repaired(size: int) -> None:
    graph = faulty_network(size, 1)
    result = repair(graph, alternatives=1)
    assert result.status is SearchStatus.REPAIRED
    assert trace(result.repairs[0].graph).valid


def test_out_of_time_there_is_a_repair_that_costs_more_and_no_proof() -> None:
    for seed in (4, 5):
        graph = faulty_network(8, seed, KERAS3, 2)
        roots = roots_bound(graph, trace(graph))
        whole, cut = repair(graph), repair(graph, time_limit=0.0)
        assert (whole.proven, whole.bound) == (True, 2)
        assert trace(cut.repairs[0].graph).valid
        assert cut.repairs[0].cost > whole.repairs[0].cost
        assert (cut.proven, cut.bound) == (False, roots)
        assert roots < whole.bound


def test_long_chains_are_repaired_without_deep_recursion() -> None:
    relu, lstm = LayerSpec("ReLU"), LayerSpec("LSTM", {"units": 8, "return_sequences": True})
    graph = image(CONV, *[relu] * 600, lstm, *[relu] * 600)
    result = repair(graph)
    assert result.repairs[0].count == 1
    assert result.proven


def test_an_argument_that_is_not_known_is_taken_out_whatever_its_value() -> None:
    wrong = LayerSpec("Dense", {"units": 4, "filters": None})
    result = repair(
        image(LayerSpec("Flatten"), wrong, LayerSpec("Dense", {"units": 2, "kernel_size": 3}))
    )
    first = result.repairs[0]
    assert list(map(str, first.edits)) == [
        "dense_2: without filters (was None)",
        "dense_3: without kernel_size (was 3)",
    ]
    assert (first.count, result.bound, result.proven) == (2, 2, True)


def test_tensors_beyond_what_arguments_can_say_are_refused_with_the_error_and_the_place() -> None:
    huge = chain(LayerSpec("Input", {"shape": (10**5, 10**5)}), LayerSpec("Flatten"), CONV)
    with pytest.raises(InputError, match=r"'conv2d_2' needs .* 'input_0' yields .* make it small"):
        repair(huge)


def test_kernels_are_not_taken_out_and_what_changes_widths_is_not_called_proven() -> None:
    deep = LayerSpec("DepthwiseConv2D", {"kernel_size": (3, 3)})
    removed = {
        edit.name
        for found in repair(image(LayerSpec("Flatten"), deep, DENSE), alternatives=9).repairs
        for edit in found.edits
        if isinstance(edit, Remove)
    }
    assert "depthwiseconv2d_2" not in removed
    for seed in range(8):
        result = repair(faulty_network(10, seed))
        assert not (result.proven and result.repairs[0].not_kept)
