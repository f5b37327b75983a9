"""Files that name other files: refused by name, and the others are neither read nor written."""

import io
import zipfile
from contextlib import suppress

import h5py
import numpy as np
import onnx
import pytest
from h5py import h5d, h5p, h5s, h5t, h5z
from onnx import TensorProto, helper

from repair.errors import InputError
from repair.weights.formats import FORMATS, load, save, save_like
from repair.weights.patch import Patch
from repair.weights.source import SourceFile

KERNEL = "model_weights/dense_2/dense_2/kernel:0"
SIZE = 6 * 3 * 4


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder, the current one, with files that nobody has named: one of raw numbers, and one of HDF5."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "raw").write_bytes(np.full(SIZE // 4, 0.5, "<f4").tobytes())
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = np.full((6, 3), 0.5, np.float32)
        file.create_group("layer")["kernel:0"] = file["x"]
    (tmp_path / "given").mkdir()
    monkeypatch.chdir(folder)
    return folder


def external(file, folder):
    del file[KERNEL]
    file.create_dataset(KERNEL, (6, 3), "f4", external=[(str(folder / "raw"), 0, SIZE)])


def external_by_name(file, folder):
    del file[KERNEL]
    file.create_dataset(KERNEL, (6, 3), "f4", external=[("raw", 0, h5py.h5f.UNLIMITED)])


def external_beside(file, folder):
    """Data that no layer asks for; it may be written nevertheless."""
    file.create_dataset("a/b/more", (6, 3), "f4", external=[(str(folder / "raw"), 0, SIZE)])


def virtual(file, folder):
    del file[KERNEL]
    layout = h5py.VirtualLayout((6, 3), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (6, 3))
    file.create_virtual_dataset(KERNEL, layout)


def virtual_without_end(file, folder):
    """HDF5 looks for the files of such a data set to learn how long it is."""
    del file[KERNEL]
    space = h5s.create_simple((6, 3), (h5s.UNLIMITED, 3))
    blocks = space.copy()
    blocks.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), stride=(6, 1), block=(6, 3))
    made = h5p.create(h5p.DATASET_CREATE)
    made.set_virtual(blocks, str(folder / "other%b.h5").encode(), b"x", h5s.create_simple((6, 3)))
    group, name = KERNEL.rsplit("/", 1)
    h5d.create(file[group].id, name.encode(), h5t.IEEE_F32LE, space, made)


def link(file, folder):
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink(str(folder / "other.h5"), "/x")


def link_to_a_layer(file, folder):
    group = KERNEL.rsplit("/", 1)[0]
    del file[group]
    file[group] = h5py.ExternalLink("other.h5", "/layer")


def soft_link(file, folder):
    file["further"] = h5py.ExternalLink(str(folder / "other.h5"), "/")
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/further/x")


def plugin(file, folder):
    made = h5p.create(h5p.DATASET_CREATE)
    made.set_chunk((4,))
    made.set_filter(32015, h5z.FLAG_OPTIONAL, (1,))
    h5d.create(file.id, b"packed", h5t.IEEE_F32LE, h5s.create_simple((4,)), made)


HOSTILE_H5 = {
    external: r"kernel:0' keeps its data in another file, .*raw",
    external_by_name: r"kernel:0' keeps its data in another file, raw",
    external_beside: r"'/a/b/more' keeps its data in another file",
    virtual: r"kernel:0' is a virtual data set",
    virtual_without_end: r"kernel:0' is a virtual data set",
    link: r"kernel:0' is a link to another file \(.*other\.h5:/x\)",
    link_to_a_layer: r"dense_2' is a link to another file",
    soft_link: r"(kernel:0' is a soft link \(/further/x\)|'/further' is a link to another file)",
    plugin: r"'/packed' needs the HDF5 plugin of filter 32015",
}


def hostile_h5(make, network, elsewhere):
    path = elsewhere.parent / "given" / "model.h5"
    save(network, path)
    with h5py.File(path, "r+") as file:
        make(file, elsewhere)
    return path


@pytest.mark.parametrize("make", HOSTILE_H5, ids=lambda make: make.__name__)
def test_an_h5_file_with_a_part_elsewhere(make, digits_network, elsewhere, only):
    network = digits_network()
    path = hostile_h5(make, network, elsewhere)
    out = path.with_name("out")
    with only(read=[path], written=[out], untouched=elsewhere):
        with pytest.raises(InputError, match=HOSTILE_H5[make]):
            load(path)
        with pytest.raises(InputError, match=HOSTILE_H5[make]):
            save_like(network, path, out / "repaired.h5")
    assert not (out / "repaired.h5").exists()


def test_hard_links_in_a_circle_are_no_part_elsewhere(digits_network, tmp_path):
    path, network = tmp_path / "model.h5", digits_network()
    save(network, path)
    with h5py.File(path, "r+") as file:
        file["model_weights/up"] = file["/"]
        file["again"] = file[KERNEL]
        file["type"] = np.dtype("f4")
    changed = network.replace("dense_2", bias=np.ones(3))
    save_like(changed, path, tmp_path / "repaired.h5")
    assert load(tmp_path / "repaired.h5").fingerprint() == changed.fingerprint()
    with h5py.File(tmp_path / "repaired.h5") as file:
        assert file["model_weights/up"] == file["/"]


def outside(location, name="w", shape=(6, 3)):
    tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def in_an_attribute(graph, location):
    graph.node.add(op_type="Constant", output=["c"]).attribute.append(
        helper.make_attribute("value", outside(location))
    )


def in_a_subgraph(graph, location):
    inner = helper.make_graph([], "inner", [], [], [outside(location)])
    graph.node.add(op_type="If", output=["c"]).attribute.append(
        helper.make_attribute("then_branch", inner)
    )


def sparse(graph, location):
    graph.sparse_initializer.add(values=outside(location), dims=[18])


def as_weights(graph, location):
    weights = next(tensor for tensor in graph.initializer if list(tensor.dims) == [6, 3])
    weights.CopyFrom(outside(location, weights.name))


@pytest.mark.parametrize("make", [as_weights, in_an_attribute, in_a_subgraph, sparse])
@pytest.mark.parametrize("location", ["raw", "../elsewhere/raw", "{}/raw"])
def test_an_onnx_file_with_a_part_elsewhere(make, location, digits_network, elsewhere, only):
    network, path = digits_network(), elsewhere.parent / "given" / "model.onnx"
    save(network, path)
    location, out = location.format(elsewhere), path.with_name("out")
    model = onnx.load(path)
    make(model.graph, location)
    path.write_bytes(model.SerializeToString())
    with only(read=[path], written=[out], untouched=elsewhere):
        for use in (lambda: load(path), lambda: save_like(network, path, out / "repaired.onnx")):
            with pytest.raises(
                InputError, match=r"keeps .* in another file, '.*raw'; expected all"
            ):
                use()
    assert not (out / "repaired.onnx").exists()


def test_an_onnx_file_as_pytorch_exports_it_is_refused_for_what_it_is(digits_network, tmp_path):
    path = tmp_path / "model.onnx"
    save(digits_network(), path)
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    assert (tmp_path / "model.onnx.data").is_file()
    with pytest.raises(
        InputError, match=r"in another file, 'model\.onnx\.data'.*external_data=False"
    ):
        load(path)


def test_an_archive_whose_names_lead_elsewhere(digits_network, elsewhere, only):
    path = elsewhere.parent / "given" / "model.npz"
    save(digits_network(), path)
    with zipfile.ZipFile(path, "a") as archive, io.BytesIO() as values:
        np.save(values, np.zeros(3))
        for name in ("../elsewhere/raw", f"{elsewhere}/raw"):
            archive.writestr(f"{name}.npy", values.getvalue())
    with only(read=[path], untouched=elsewhere):
        assert load(path).fingerprint() == digits_network().fingerprint()


def spoilt(content, seed):
    """Up to five bytes replaced."""
    rng = np.random.default_rng(seed)
    changed = np.frombuffer(content, np.uint8).copy()
    changed[rng.integers(len(changed), size=seed % 6)] = rng.integers(256, size=seed % 6)
    return changed.tobytes()


def corpus(suffix, network, elsewhere):
    """Contents of files: whole, damaged and hostile ones, and these damaged."""
    path = elsewhere.parent / "given" / f"model{suffix}"
    save(network, path)
    contents = [path.read_bytes()]
    if suffix == ".h5":
        contents += [hostile_h5(make, network, elsewhere).read_bytes() for make in HOSTILE_H5]
    if suffix == ".onnx":
        model = onnx.load(path)
        as_weights(model.graph, "raw")
        contents.append(model.SerializeToString())
    return [spoilt(content, seed) for content in contents for seed in range(12)]


@pytest.mark.parametrize("suffix", [".h5", ".onnx", ".npz"])
def test_no_file_of_the_corpus_opens_another(suffix, digits_network, elsewhere, only):
    network, path = digits_network(), elsewhere.parent / "given" / f"model{suffix}"
    out = path.with_name("out")
    files, written = corpus(suffix, network, elsewhere), 0
    for content in files:
        path.write_bytes(content)
        with only(read=[path], written=[out], untouched=elsewhere):
            for use in (load, lambda path: save_like(network, path, out / f"repaired{suffix}")):
                try:
                    use(path)
                    written += use is not load
                except InputError:
                    pass
    assert written, "of the whole file at least"
    assert {found.name for found in out.iterdir()} == {f"repaired{suffix}"}


def test_no_patch_of_the_corpus_opens_another_file(digits_network, elsewhere, only):
    network, path = digits_network(), elsewhere.parent / "given" / "patch.npz"
    Patch.between(network, digits_network(seed=1)).save(path)
    whole = path.read_bytes()
    for seed in range(60):
        path.write_bytes(spoilt(whole, seed))
        with only(read=[path], untouched=elsewhere), suppress(InputError):
            Patch.load(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_read_is_what_is_used(suffix, digits_network, tmp_path, only):
    network, path = digits_network(), tmp_path / f"model{suffix}"
    save(network, path)
    source = SourceFile.read(path)
    path.unlink()
    (tmp_path / "elsewhere").mkdir()
    with only(written=[tmp_path / "out"], untouched=tmp_path / "elsewhere"):
        assert load(source).fingerprint() == network.fingerprint()
        changed = load(source).replace("dense_2", bias=np.ones(3))
        save_like(changed, source, tmp_path / "out" / f"repaired{suffix}")
    assert load(tmp_path / "out" / f"repaired{suffix}").fingerprint() == changed.fingerprint()


def test_a_source_is_a_plain_file(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        SourceFile.read(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        SourceFile.read(tmp_path / "nothing")
    assert SourceFile.of(SourceFile(tmp_path, b"")).sha256.startswith("e3b0c442")
