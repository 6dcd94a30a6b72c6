"""`validate`: check a folder of images and a table before a training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from galaxyclass.arguments import public
from galaxyclass.data.catalog.derive import require_rule
from galaxyclass.data.checks.checks import check
from galaxyclass.data.checks.report import ValidationReport
from galaxyclass.data.dataset.dataset import Dataset, as_dataset
from galaxyclass.images.inspect import inspect_images
from galaxyclass.images.reading_notes import reading_notes
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing

log = logging.getLogger(__name__)


@public
def validate(
    images: Dataset | str | Path,
    table: Any = None,
    *,
    workers: int | None = None,
    progress: Progress = silent,
) -> ValidationReport:
    r"""Read images and a table, decode every image, and report all problems.

    Parameters
    ----------
    images : Dataset, str or Path
        A data set; or the folder of the images.
    table : str, Path or a table in memory, optional
        With a folder: what is known of its images (see `Dataset`).
    workers : int, optional
        Images that are decoded at once; by default one for each core.
    progress : Progress

    Raises
    ------
    CatalogError
        The folder or the table cannot be understood at all; its votes do not have the rule for
        classes (`Dataset.classes`).

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in range(2):
    ...     Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    >>> _ = (folder / "2.jpg").write_text("not an image")
    >>> rows = ["id,class", "0,spiral", "1,smooth", "2,smooth"]
    >>> _ = (folder / "labels.csv").write_text("\n".join(rows))
    >>> report = validate(folder, folder / "labels.csv")
    >>> report.ok, [(error.code, error.row, error.id) for error in report.errors]
    (False, [('image_undecodable', 4, '2')])
    """
    dataset = as_dataset(images, table)
    catalog = dataset.as_read
    if dataset.classes is not None:
        require_rule(catalog, dataset.classes)
    files = catalog.files()[0]
    for note in reading_notes(files, Preprocessing()):
        log.info("%s", note)
    facts = inspect_images(files, workers=workers, progress=progress)
    return ValidationReport(catalog, tuple(check(catalog, facts)))
