"""Bundles without a trained network, images in a moment, and backends that need no torch."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from galaxyclass.model.bundle.manifest import Manifest
from galaxyclass.model.bundle.save import save_bundle
from galaxyclass.model.output import ModelOutput
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.recipes.recipe import NetworkSettings
from galaxyclass.tasks.classes.task import ClassTask
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import load_tree

TREE = load_tree("galaxy_zoo_2")


def vote_outputs(layout: str = "challenge", unknown: tuple[str, ...] = ()) -> VoteTask:
    known = tuple(answer.question not in unknown for answer in TREE.answers)
    mean = tuple(0.1 if one else float("nan") for one in known)
    return VoteTask(TREE, TREE.layout(layout), known, mean)


def class_outputs(*classes: str, column: str = "class") -> ClassTask:
    return ClassTask(column, classes, tuple(1 / len(classes) for _ in classes))


def save_run(
    folder: Path,
    outputs: Task | None = None,
    id_column: str = "GalaxyID",
    id_integer: bool = True,
    frame: int = 24,
    **more: Any,
) -> Path:
    """A bundle that loads; its weights are a few bytes that only torch would miss."""
    manifest = Manifest(
        recipe="notebook",
        preprocessing=Preprocessing(cutout="centre", frame=frame, size=12),
        model=NetworkSettings(encoder="residual", head="tree"),
        task=outputs or vote_outputs(),
        id_column=id_column,
        id_integer=id_integer,
        weights_digest="",
        version="0",
        **more,
    )
    save_bundle(folder, manifest, {"weights": lambda path: path.write_bytes(b"weights")})
    return folder


def save_images(folder: Path, count: int, start: int = 587722981736579000) -> list[Path]:
    """Small JPEGs of different colours, called by 18-digit numbers."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        colour = rng.integers(0, 256, 3)
        image = np.full((32, 32, 3), colour, dtype=np.uint8)
        path = folder / f"{start + index}.jpg"
        path.write_bytes(simplejpeg.encode_jpeg(image, quality=90))
        paths.append(path)
    return paths


def said(
    values: NDArray[Any],
    auxiliary: list[NDArray[Any]] | tuple[()] = (),
    features: NDArray[Any] | None = None,
) -> ModelOutput:
    """What a backend gives; the features are nothing to look at unless they are given."""
    nothing = np.zeros((len(values), 0), np.float32)
    return ModelOutput(values, tuple(auxiliary), nothing if features is None else features)


class TreeBackend:
    """Joint fractions on the tree that depend on a cutout's colour; slow where told to be."""

    def __init__(self, seconds: float = 0.0, seed: int = 1) -> None:
        self.seconds = seconds
        self.seen = 0
        self.weights = np.random.default_rng(seed).normal(0, 2, (3, len(TREE.answers)))

    def __call__(self, cutouts: NDArray[Any]) -> ModelOutput:
        time.sleep(self.seconds)
        self.seen += len(cutouts)
        return said(self.values(cutouts))

    def values(self, cutouts: NDArray[Any]) -> NDArray[Any]:
        raw = (cutouts.mean(axis=(1, 2)) / 255 - 0.5) @ self.weights
        shares = np.empty_like(raw)
        for where in TREE.slices:
            exp = np.exp(raw[:, where])
            shares[:, where] = exp / exp.sum(axis=1, keepdims=True)
        return joint_from_conditional(TREE, shares).astype(np.float32)


class ClassBackend:
    """Probabilities by colour."""

    def __init__(self, classes: int) -> None:
        self.weights = np.random.default_rng(1).normal(0, 3, (3, classes))

    def __call__(self, cutouts: NDArray[Any]) -> ModelOutput:
        return said(self.values(cutouts))

    def values(self, cutouts: NDArray[Any]) -> NDArray[Any]:
        exp = np.exp((cutouts.mean(axis=(1, 2)) / 255 - 0.5) @ self.weights)
        return (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)


class LaneBackend:
    """Computes in lanes what another backend computes, and remembers which threads did."""

    concurrent, precision, note = True, "fp32", ""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.any_thread = False
        self.begun: list[int] = []
        self.called: set[int] = set()

    def begin_thread(self) -> None:
        self.begun.append(threading.get_ident())

    def __call__(self, cutouts: Any) -> Any:
        self.called.add(threading.get_ident())
        return self.backend(cutouts)
