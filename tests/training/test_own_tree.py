"""A model on a tree of one's own: trained, saved, scored without the tree's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import galaxyclass
from galaxyclass.data.dataset.dataset import Dataset
from tests.support.sky import TINY, changed


def test_a_model_brings_its_tree(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    images, own, table = tmp_path / "images", tmp_path / "own.toml", tmp_path / "votes.csv"
    images.mkdir()
    lines = ["id,look_smooth,look_disc,edge_yes,edge_no,arms_yes,arms_no"]
    for number in range(24):
        smooth, edge, arms = rng.integers(1, 39), rng.random(), rng.random()
        disc = 40 - smooth
        faces = disc - round(disc * edge)
        spirals = round(faces * arms)
        counts = (smooth, disc, disc - faces, faces, spirals, faces - spirals)
        lines.append(f"g{number},{','.join(map(str, counts))}")
        pixels = np.full((24, 24, 3), 6 * smooth, np.uint8) + rng.integers(9, size=(24, 24, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(images / f"g{number}.png")
    table.write_text("\n".join(lines) + "\n")
    own.write_text(galaxyclass.guess_tree(table).text)

    trained = galaxyclass.train(
        "fast",
        Dataset(images, table, tree=own),
        output=tmp_path / "run",
        settings=changed(TINY, "training.epochs=1", "training.batch_size=8"),
        cache=tmp_path / "cache",
        device="cpu",
    )
    own.unlink()
    model = galaxyclass.load_model(trained.folder)
    tree = model.task.decision_tree
    assert tree is not None
    assert [question.asked_of for question in tree.questions] == [(), ("1.2",), ("2.2",)]
    shares = model.predict(images).to_pandas()
    np.testing.assert_allclose(
        shares[["edge_yes_fraction", "edge_no_fraction"]].sum(axis=1), 1, atol=1e-6
    )
    scores = galaxyclass.evaluate(model, images, table, output=tmp_path / "scores", part="all")
    assert sum(scores.galaxies_by_part.values()) == 24
