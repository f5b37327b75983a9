"""What becomes of axes in a reshape, and which of them are time steps."""

from random import Random

from numpy_axes import depends_together

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.meaning.axes import Regrouping, regroupings
from repair.architecture.meaning.steps import inputs_with_steps, tensors_with_steps
from repair.architecture.trace import trace


def test_regroupings_are_those_that_numpy_shows() -> None:
    rng, kinds = Random(5), set()
    for _ in range(400):
        primes = [rng.choice((1, 2, 2, 3)) for _ in range(rng.randint(1, 6))]
        before, after = _cut(primes, rng), _cut(rng.sample(primes, len(primes)), rng)
        groups = regroupings((None, *before), (None, *after))
        shown = {
            (frozenset(k - 1 for k in g.before), frozenset(k - 1 for k in g.after)) for g in groups
        }
        assert shown == depends_together(before, after), (before, after)
        kinds |= {(g.keeps, g.joins, g.mixes) for g in groups}
    assert len(kinds) == 4  # kept, joined, split, mixed


def _cut(primes: list[int], rng: Random) -> tuple[int, ...]:
    """Sizes of a shape: products of neighbours."""
    sizes = [1]
    for prime in primes:
        if rng.random() < 0.5:
            sizes.append(prime)
        else:
            sizes[-1] *= prime
    return tuple(sizes)


def test_axes_of_unknown_size_are_kept_apart_where_they_are_the_same() -> None:
    assert regroupings((None, None, 2, 3), (None, None, 6)) == (
        Regrouping((1,), (1,)),
        Regrouping((2, 3), (2,)),
    )
    assert regroupings((None, None, 4), (None, None)) == (Regrouping((1, 2), (1,)),)


def test_time_steps_go_as_far_as_the_axis_goes() -> None:
    layers = (
        LayerSpec("ReLU"),
        LayerSpec("LSTM", {"units": 5, "return_sequences": True}),
        LayerSpec("Reshape", {"target_shape": (7, 5, 1)}),
        LayerSpec("Permute", {"dims": (2, 1, 3)}),
        LayerSpec("ReLU"),
    )
    graph = chain((7, 4), *layers)
    found = trace(graph)
    inputs = inputs_with_steps(graph, found)
    assert inputs == {"x0"}
    assert tensors_with_steps(graph, found, inputs) == {"x0", "x1", "x2", "x3"}
    image = chain((7, 4, 3), LayerSpec("Conv2D", {"filters": 4, "kernel_size": 3}))
    assert not inputs_with_steps(image, trace(image))


def chain(shape: tuple[int, ...], *layers: LayerSpec) -> Graph:
    nodes = [Node("x0", LayerSpec("Input", {"shape": shape}))]
    nodes += [Node(f"x{k}", layer, (f"x{k - 1}",)) for k, layer in enumerate(layers, 1)]
    return Graph.of(nodes)
