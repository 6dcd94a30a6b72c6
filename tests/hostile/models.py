"""Mutated models, recipes, trees, and packs: what is handed from one to another."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

import galaxyclass
from galaxyclass.calibration.files import parse_calibration
from galaxyclass.model.bundle.manifest import parse_manifest
from galaxyclass.model.pretrained import find_pretrained
from galaxyclass.recipes.read import recipe_text
from galaxyclass.trees.read import tree_text
from tests.hostile.trials import Tally, mutated, mutated_value


def mutated_models(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Manifests, calibrations and exported networks with faults in them, digests made right."""
    tally, random = Tally("models, mutated"), np.random.default_rng(seed)
    pretrained = find_pretrained()
    manifest = (pretrained / "manifest.json").read_bytes()
    calibration = next(pretrained.glob("calibration-*.json")).read_bytes()
    readers: list[tuple[str, bytes, Callable[[str], object]]] = [
        ("manifest", manifest, lambda text: parse_manifest(text, "manifest.json")),
        ("calibration", calibration, lambda text: parse_calibration(text, "calibration.json")),
    ]
    for name, content, read in readers:
        for trial in range(trials):
            if trial % 2:
                text = mutated(content, random, manifest).decode("utf-8", "replace")
            else:
                text = json.dumps(mutated_value(json.loads(content), random))
            tally.call(f"{name}, trial {trial}", partial(read, text))
        for deep in ("[" * 100_000, '{"a":' * 100_000, '{"format": ' + "9" * 5000 + "}"):
            tally.call(f"{name}, {deep[:12]}…", partial(read, deep))
    network = _small_network(manifest.decode())
    path = folder / "m.onnx"
    for trial in range(trials):
        path.write_bytes(mutated(network, random, manifest))
        tally.call(f"network, trial {trial}", lambda: galaxyclass.load_bundle(path))
    for name, data in _strange_networks(network).items():
        path.write_bytes(data)
        tally.call(name, lambda: galaxyclass.load_bundle(path), must_fail=True)
    return tally


def _small_network(manifest: str) -> bytes:
    """An ONNX file with a manifest, and a weight that is part of it."""
    helper = onnx.helper
    weight = onnx.numpy_helper.from_array(np.arange(64, dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "w"], ["b"])],
        "g",
        [helper.make_tensor_value_info("a", 1, [64])],
        [helper.make_tensor_value_info("b", 1, [64])],
        [weight],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    entry = model.metadata_props.add()
    entry.key, entry.value = "manifest", manifest
    return bytes(model.SerializeToString())


def _strange_networks(network: bytes) -> dict[str, bytes]:
    model = onnx.load_model_from_string(network)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "weights.bin", "offset": "0", "length": "256"}.items():
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    elsewhere = bytes(model.SerializeToString())
    text = network.replace(b'"format"', b'"\xff\xfe\xff\xfd"'[:8])
    model = onnx.load_model_from_string(network)
    model.metadata_props[0].value = "[" * 100_000
    return {
        "network with weights elsewhere": elsewhere,
        "network, property not UTF-8": text,
        "network, property nested": bytes(model.SerializeToString()),
        "network, empty": b"",
    }


def mutated_texts(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Recipes and trees with faults in them."""
    tally, random = Tally("recipes and trees, mutated"), np.random.default_rng(seed)
    readers: list[tuple[str, bytes, Callable[[Path], object]]] = [
        ("recipe", recipe_text("fast").encode(), galaxyclass.load_recipe),
        ("tree", tree_text("galaxy_zoo_2").encode(), galaxyclass.load_tree),
    ]
    for name, content, read in readers:
        path = folder / f"{name}.toml"
        for trial in range(trials):
            path.write_bytes(mutated(content, random, content))
            tally.call(f"{name}, trial {trial}", partial(read, path))
        for deep in (b"a = " + b"[" * 100_000, b"seed = " + b"9" * 5000, b"\xff\xfe", b""):
            path.write_bytes(deep)
            tally.call(f"{name}, {deep[:12]!r}", partial(read, path))
    for trial in range(trials):
        data = mutated_value(tomllib.loads(tree_text("galaxy_zoo_2")), random)
        from galaxyclass.trees.read import parse_tree

        tally.call(f"tree's value, trial {trial}", partial(parse_tree, data, "tree"))
    return tally


def mutated_packs(folder: Path, trials: int, seed: int = 0) -> Tally:
    """Packs of which a file has faults."""
    tally, random = Tally("packs, mutated"), np.random.default_rng(seed)
    images = folder / "pack images"
    images.mkdir()
    for number in range(6):
        colour = np.full((20, 20, 3), 40 * number, np.uint8)
        Image.fromarray(colour).save(images / f"{number}.png")
    whole = folder / "pack"
    settings = {"images.size": 16, "images.frame": "none"}
    recipe = galaxyclass.load_recipe("fast", settings)
    galaxyclass.pack(sorted(images.iterdir()), recipe.images, output=whole, workers=1)
    files = sorted(path.name for path in whole.iterdir() if path.is_file())
    pixels = np.array(galaxyclass.open_pack(whole).images)
    for trial in range(trials):
        name = files[trial % len(files)]
        broken = folder / "broken pack"
        shutil.copytree(whole, broken)
        data = (whole / name).read_bytes()
        (broken / name).write_bytes(mutated(data, random, data))
        tally.call(f"{name}, trial {trial}", partial(_read_pack, broken, pixels))
        shutil.rmtree(broken)
    return tally


def _read_pack(folder: Path, pixels: NDArray[np.uint8]) -> Any:
    pack = galaxyclass.open_pack(folder)
    assert np.array_equal(pack.images, pixels), "other pixels than were packed"
    return [np.asarray(pack.images).sum(), repr(pack), list(pack.records)[:1]]
