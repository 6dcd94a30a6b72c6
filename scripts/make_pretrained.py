"""Make the pretrained model from a run: its network in 8 or 16 bits, compared with torch.

    python scripts/make_pretrained.py runs/combined --bits 8 --images galaxies/ --card card.md

The folder that it writes, src/galaxyclass/model/galaxy-zoo-2/, is part of the wheel.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import click

from galaxyclass.arguments import Bits
from galaxyclass.cli.export import BITS
from galaxyclass.errors import GalaxyclassError, OutputError
from galaxyclass.io.atomic import temporary_file, writing
from galaxyclass.model.backends.onnx_backend import OnnxBackend
from galaxyclass.model.bundle.load import Bundle, Role, load_bundle
from galaxyclass.model.bundle.save import BundleFileWriter, save_bundle
from galaxyclass.model.export.check import ExportCheck, export_cutouts
from galaxyclass.model.export.export import write_network
from galaxyclass.model.pretrained import CARD, pretrained_folder

#: What all files together may take in the wheel, bytes.
MOST = 10_000_000


def make_pretrained(
    run: Path,
    folder: Path,
    *,
    images: Path | None = None,
    calibration: Path | None = None,
    card: Path | None = None,
    views: int = 1,
    bits: Bits = 16,
    picture_size: int | None = None,
    seed: int = 0,
) -> tuple[Bundle, ExportCheck]:
    """Write the pretrained model and load it as a user would.

    Parameters
    ----------
    run : Path
        The folder of a run, or a bundle. A calibration that it has comes along.
    folder : Path
        Of the pretrained model; what it holds already is replaced, but for a model card where none
        is given.
    images : Path, optional
        Real images to compare the network with torch on, instead of simulated ones; and to measure
        ranges on, for 8 bits.
    calibration, card : Path, optional
        Files that become part of it.
    views : int
        Test-time views over which its predictions are averaged unless the user chooses others.
    bits : {16, 8}
        See `galaxyclass.export`.
    picture_size : int, optional
        Pixels across of the training's pictures, which show each galaxy equally large: cutouts in
        FITS are brought to it (`Preprocessing.picture_size`).
    seed : int
        Of the draw of the images.

    Raises
    ------
    GalaxyclassError
        What is exported does not agree with the run, or is too large, or there is no model card.
    """
    bundle = load_bundle(run)
    if card is None and not (folder / CARD).is_file():
        raise OutputError(f"{folder}: no {CARD}", wanted="a model card", hint="--card FILE")
    # Read now: it may lie in the folder that is written.
    calibration_text = calibration.read_text(encoding="utf-8") if calibration is not None else None
    if calibration_text is None and bundle.has("calibration"):
        calibration_text = bundle.read_calibration()
    preprocessing = bundle.manifest.preprocessing
    cutouts = export_cutouts(preprocessing, images, measure=bits == 8, seed=seed)
    seen = preprocessing.model_copy(update={"picture_size": picture_size})
    bundle = replace(bundle, manifest=replace(bundle.manifest, views=views, preprocessing=seen))
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_file(folder / "exported") as network:
        check, written = write_network(
            bundle, network, cutouts, bits=bits, calibration=calibration_text
        )
        size = network.stat().st_size + len((calibration_text or "").encode())
        if size > MOST:
            raise OutputError(f"too large: {size:,} bytes", wanted=f"{MOST:,} at most")
        manifest = replace(written, weights_digest="", calibration_digest="", network_digest="")
        writers: dict[Role, BundleFileWriter] = {
            "network": lambda path: shutil.copyfile(network, path)
        }
        if calibration_text is not None:

            def keep(path: Path, text: str = calibration_text) -> None:
                path.write_text(text, encoding="utf-8")

            writers["calibration"] = keep
        save_bundle(folder, manifest, writers)
    if card is not None and card != folder / CARD:
        with writing(folder / CARD) as temporary:
            shutil.copyfile(card, temporary)
    pretrained = load_bundle(folder)
    OnnxBackend(pretrained)(cutouts.compared)
    return pretrained, check


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--images", type=click.Path(path_type=Path), help="Real images to compare on.")
@click.option("--calibration", type=click.Path(path_type=Path), help="A calibration (JSON).")
@click.option("--card", type=click.Path(path_type=Path), help="The model card (Markdown).")
@click.option("--views", default=1, help="Test-time views by default.")
@click.option("--bits", default="16", type=click.Choice(["16", "8"]), help="Bits of a number.")
@click.option("--picture-size", type=int, help="Pixels across of the training's pictures.")
@click.option("--seed", default=0, help="Of the draw of the images.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="A folder other than the package's."
)
def command(
    *,
    run: Path,
    images: Path | None,
    calibration: Path | None,
    card: Path | None,
    views: int,
    bits: str,
    picture_size: int | None,
    seed: int,
    output: Path | None,
) -> None:
    """Make the pretrained model from RUN, the folder of a training."""
    try:
        pretrained, check = make_pretrained(
            run,
            output or pretrained_folder(),
            images=images,
            calibration=calibration,
            card=card,
            views=views,
            bits=BITS[bits],
            picture_size=picture_size,
            seed=seed,
        )
    except GalaxyclassError as error:
        raise click.ClickException(str(error)) from error
    for path in sorted(pretrained.folder.iterdir()):
        click.echo(f"{path.stat().st_size:>10,}  {path}")
    click.echo(
        f"on {check.images} images it differs from torch by {check.difference:.1g} at most, "
        f"{check.rms:.2g} in the root mean square"
    )


if __name__ == "__main__":
    command()
