"""`Model`: one network or an ensemble, ready to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.errors import BundleError
from galaxyclass.io.output import require_no_image
from galaxyclass.model.auxiliary import in_labelling, in_task, labellings_of
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.backends.open_backend import choose_engine, open_backend
from galaxyclass.model.bundle.load import Bundle
from galaxyclass.model.bundle.manifest import ComputedPrecision
from galaxyclass.model.card import card_of, cutout_in_words, model_name
from galaxyclass.model.carry import TableJoin, carry_columns
from galaxyclass.model.columns import PredictionLayout, columns_of
from galaxyclass.model.ensemble import Ensemble, Member, common_task, require_same
from galaxyclass.model.extra_columns import check_include, open_included
from galaxyclass.model.image_source import ImageSource, open_images
from galaxyclass.model.in_memory import predict_in_memory
from galaxyclass.model.job import PredictionSummary, predict_to_table
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.pretrained import is_pretrained, shown_folder
from galaxyclass.model.provenance import joined_digest
from galaxyclass.model.rows import open_rows
from galaxyclass.model.writers import require_output
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, summary
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.calibrated import Calibrated
    from galaxyclass.evaluation.evaluation import Evaluation
    from galaxyclass.explanation.explain import Explanation
    from galaxyclass.finetuning.finetuned import Finetuned
    from galaxyclass.model.export.export import Exported
    from galaxyclass.reports.report import Report


class Model:
    """A model: one network or an ensemble, and all that is needed to predict with it.

    Made by `load_model`. Its networks are loaded when they are first needed.

    Attributes
    ----------
    options : InferenceOptions
        How its networks are run.
    sources : tuple of Path
        What it was loaded from; ``pretrained`` for the pretrained model.
    bundles : tuple of Bundle
        One for each source; several are an ensemble. Their task is in the labelling asked for.
    originals : tuple of Bundle
        The same as they were loaded.

    Examples
    --------
    >>> import galaxyclass
    >>> model = galaxyclass.load_model()
    >>> model.name, model.views, len(model.bundles)
    ('galaxy-zoo-2', 1, 1)
    """

    def __init__(
        self,
        sources: Sequence[Path],
        bundles: Sequence[Bundle],
        options: InferenceOptions,
        backends: Sequence[Backend] | None = None,
    ) -> None:
        self.sources, self.options = tuple(sources), options
        self.originals = tuple(bundles)
        self.bundles = tuple(in_labelling(bundle, options.labelling) for bundle in bundles)
        require_same(self.bundles)
        self._backends = backends

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: all but the loaded networks, which are loaded again."""
        loaded = ("backends", "members", "ensemble")
        return {name: value for name, value in vars(self).items() if name not in loaded}

    @property
    def name(self) -> str:
        """A short name: that of the folder or file, or of the pretrained model."""
        return " + ".join(map(model_name, self.sources))

    @property
    def task(self) -> Task:
        """What the model predicts: the answers of a tree, or classes."""
        return common_task(self.bundles)

    @property
    def views(self) -> int:
        """Test-time views of each galaxy, whose mean is predicted."""
        stated = self.options.views
        return max(bundle.manifest.views for bundle in self.bundles) if stated is None else stated

    @property
    def precision(self) -> ComputedPrecision:
        """The precision that its networks compute in; loads them."""
        return self.ensemble.precision

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all that its predictions depend on, except options: its identity."""
        return joined_digest([bundle.manifest.digest for bundle in self.bundles])

    @property
    def card(self) -> str:
        """The model card in Markdown; made from the model's files if there is none."""
        return "\n".join(map(card_of, self.bundles))

    @property
    def labellings(self) -> tuple[str, ...]:
        """The names of the labellings that it can predict: those that all its networks learnt."""
        first, *others = map(labellings_of, self.originals)
        return tuple(name for name in first if all(name in names for names in others))

    @cached_property
    def backends(self) -> tuple[Backend, ...]:
        """The backend that runs each network; loads the networks.

        Raises
        ------
        MissingExtraError, DeviceError, BundleError
            See `galaxyclass.model.backends.open_backend.open_backend`.
        """
        if self._backends is not None:
            return tuple(self._backends)
        device, precision = self.options.device, self.options.precision
        return tuple(open_backend(bundle, device, precision) for bundle in self.originals)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Its bundles, each with the backend that runs its network; loads the networks.

        Raises
        ------
        MissingExtraError, DeviceError, BundleError
            As for `backends`.
        """
        members = []
        for original, bundle, backend in zip(
            self.originals, self.bundles, self.backends, strict=True
        ):
            member = Member(original, backend)
            is_own = bundle is original
            members.append(member if is_own else in_task(member, bundle.manifest.task))
        return tuple(members)

    @cached_property
    def ensemble(self) -> Ensemble:
        """Its networks and views as if they were one network; loads them."""
        return Ensemble(self.members, self.options.views)

    @public
    def predict(
        self,
        images: Any,
        *,
        include: Sequence[str] = (),
        ids: Iterable[str | int] | None = None,
        path_column: str | None = None,
        id_column: str | None = None,
        reading: Mapping[str, Any] | None = None,
        table: TableJoin | Any = None,
        progress: Progress = silent,
    ) -> Predictions:
        """Predict images into a table in memory.

        The numbers are, bit for bit, those that `predict_to_file` writes for the same images.

        Parameters
        ----------
        images : array, list, iterator, paths, folder or table
            - an array (images, height, width, bands), or (height, width, bands) for one image, or
              (height, width) for a grey one, row 0 at the top; bands may also come before the
              height. uint8, and floats from 0 (black) to 1 (white), are grey levels of 1 band or 3
              (red, green, blue). Other numbers are brightness, and are stretched; NaN, or a mask,
              is a pixel without data;
            - a list or an iterator of arrays, each of any size; an iterator is read only a few
              batches ahead;
            - a folder, searched with its sub-folders; the path of an image file; or several paths:
              rows have their order;
            - a pandas DataFrame, an astropy Table, a pyarrow Table or a polars DataFrame with a
              column of paths, which is found by its content. All other columns are copied beside
              the predictions (one with the name of a predicted column gets the suffix ``_given``).
        include : sequence of {"five_classes", "uncertainty", "strangeness", "embedding"}
            Extra columns; see `galaxyclass.predict`.
        ids : iterable of str or int, optional
            Ids of the images. By default images in files get the ids of `galaxyclass.predict`,
            those of a table the ids of its id column, and arrays their index, 0, 1, … in the column
            ``image``.
        path_column, id_column : str, optional
            Where ``images`` is a table: the column of the paths, if several could be; and that of
            the ids. By default the ids are in the column of the name that the model's training
            table has, or in one that holds the names of the files without their endings.
        reading : mapping, optional
            How FITS and other pictures in bands are read, where the model does not say it:
            ``bands`` (such as ``"g,r,z"``), ``stretch``, ``limits``, ``percentiles``,
            ``softening``, ``hdu``, ``scale`` (``"keep"``: pixels as they are; 2: galaxies
            are shown twice as large) and ``pixel_scale``, arcseconds a pixel of pictures without a
            WCS; see `Preprocessing`. `Predictions.notes` says how pictures were read.
        table : path, table in memory or TableJoin, optional
            A catalogue of any format (see `read_catalog`) whose columns are copied beside the
            predictions of image files, in the row that names the image; empty where none does. A
            `TableJoin` says which columns, and how rows find their images, such as by position.
        progress : Progress

        Returns
        -------
        Predictions
            A row for each image, in the order given. An image file that cannot be decoded, or
            does not exist though a table names it, has no row: see `Predictions.failures`.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            Arrays that are not images, by shape, type or range; a setting of ``reading`` that the
            model cannot have; a table with none or several
            columns of paths; more or fewer ids than images.
        CatalogError
            A path does not exist, or a folder has no images.
        OutputError, BundleError
            An unknown name in `include`; the model does not have that column.
        MissingExtraError, DeviceError
            See `galaxyclass.model.backends.open_backend.open_backend`.

        Examples
        --------
        >>> import galaxyclass
        >>> model = galaxyclass.load_model()
        >>> black, white = np.zeros((64, 64, 3)), np.ones((80, 90, 3))
        >>> model.predict([black, white], ids=["black", "white"]).ids
        ['black', 'white']
        """
        require_included(self, include)
        source = self._open(
            images, table, ids=ids, path_column=path_column, table_id_column=id_column
        )
        return predict_in_memory(
            open_rows(self.ensemble, source, include, reading=reading, name=self.name),
            self.options,
            progress=progress,
        )

    @public
    def predict_to_file(
        self,
        images: Any,
        *,
        output: str | Path,
        include: Sequence[str] = (),
        layout: PredictionLayout = "table",
        overwrite: bool = False,
        quote_formulas: bool = False,
        ids: Iterable[str | int] | None = None,
        path_column: str | None = None,
        id_column: str | None = None,
        reading: Mapping[str, Any] | None = None,
        table: TableJoin | Any = None,
        progress: Progress = silent,
    ) -> PredictionSummary:
        """Predict images into a file, in constant memory.

        If it is interrupted or killed, the same call goes on where it stopped, and the output is
        byte for byte that of an uninterrupted call. This holds for images in files: a job of
        arrays or of an iterator begins anew.

        Parameters
        ----------
        images, include, ids, path_column, id_column, reading, table, progress
            As for `predict`.
        output : str or Path
            A file to write: ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv``. How it
            was made is kept in its metadata; for a CSV, in ``<output>_provenance.json``.
        layout : {"table", "contest"}
            ``contest`` writes only the name of each image and its class.
        overwrite : bool
            Replace the output where it exists.
        quote_formulas : bool
            Of CSV: put an apostrophe before text that a spreadsheet would run as a formula. Such
            ids are then not those of the images any more.

        Raises
        ------
        OutputError
            An unknown ending; the output exists; no room, no permission (the
            finished chunks are kept); another process writes there; the contest layout of a vote
            model; an unknown name in `include`.
        CatalogError
            No images; in the contest layout, two images of the same name.
        PredictionInterruptedError
            Ctrl-C; the finished chunks are kept.
        ArgumentError, ArgumentTypeError, BundleError, MissingExtraError, DeviceError
            As for `predict`.
        """
        output = Path(output)
        require_output(output, overwrite=overwrite, quote_formulas=quote_formulas)
        require_included(self, include, layout)
        source = self._open(
            images,
            table,
            ids=ids,
            path_column=path_column,
            table_id_column=id_column,
            clear_names=layout == "contest",
        )
        require_no_image(output, source.paths or ())
        return predict_to_table(
            open_rows(self.ensemble, source, include, layout, reading=reading, name=self.name),
            output,
            self.options,
            progress=progress,
            quote_formulas=quote_formulas,
        )

    @public
    def embed(
        self,
        images: Any,
        *,
        reading: Mapping[str, Any] | None = None,
        progress: Progress = silent,
    ) -> NDArray[np.float32]:
        """The embedding of images: the features of the encoder.

        Parameters
        ----------
        images : array, list, iterator, paths, folder or table
            As for `predict`.
        reading : mapping, optional
            As for `predict`.
        progress : Progress

        Returns
        -------
        (images, features) float32 array
            In the order given; a row of NaN for an image that cannot be decoded, so that there is
            a row for each image. Of an ensemble, the features of all members side by side.

        Raises
        ------
        BundleError
            The model gives no features.
        ArgumentError, ArgumentTypeError, CatalogError, MissingExtraError, DeviceError
            As for `predict`.

        Examples
        --------
        >>> import galaxyclass
        >>> galaxyclass.load_model().embed(np.zeros((2, 64, 64, 3), np.uint8)).shape
        (2, 256)
        """
        predictions = self.predict(
            images, include=["embedding"], reading=reading, progress=progress
        )
        names = [column.name for column in predictions.columns.included]
        columns = [predictions.table[name].to_numpy() for name in names]
        count = len(predictions) + len(predictions.failures)
        features = np.full((count, len(names)), np.nan, np.float32)
        features[predictions.indices] = np.column_stack(columns)
        return features

    @public
    def evaluate(
        self,
        images: Dataset | str | Path,
        table: Any = None,
        *,
        output: str | Path,
        **more: Any,
    ) -> Evaluation:
        """Score the model on galaxies whose votes or classes are known.

        The same as `galaxyclass.evaluate`, with all its arguments.
        """
        from galaxyclass.evaluation.evaluate import evaluate

        return evaluate(self, images, table, output=output, **more)

    @public
    def calibrate(self, images: Dataset | str | Path, table: Any = None, **more: Any) -> Calibrated:
        """Measure how far the model can be trusted.

        The same as `galaxyclass.calibrate`, with all its arguments. Without ``output`` the
        calibration is added to the model's own bundle and to this model.
        """
        from galaxyclass.evaluation.calibrate import calibrate

        calibrated = calibrate(self, images, table, **more)
        if more.get("output") is None:
            self._backends = self.backends
            self.originals = self.bundles = (calibrated.bundle,)
            for name in ("members", "ensemble"):
                self.__dict__.pop(name, None)
        return calibrated

    @public
    def finetune(
        self,
        images: Dataset | str | Path,
        table: Any = None,
        *,
        output: str | Path,
        **more: Any,
    ) -> Finetuned:
        """Make a model of one's own labels, beginning with this one.

        The same as `galaxyclass.finetune`, with all its arguments.
        """
        from galaxyclass.finetuning.finetune import finetune

        return finetune(self, images, table, output=output, **more)

    @public
    def export(self, *, output: str | Path, **more: Any) -> Exported:
        """Write the model's network as ONNX.

        The same as `galaxyclass.export`, with all its arguments.
        """
        from galaxyclass.model.export.export import export

        return export(self, output=output, **more)

    @public
    def report(
        self,
        images: Dataset | str | Path,
        table: Any = None,
        *,
        output: str | Path,
        **more: Any,
    ) -> Report:
        """Write a page on what the model is worth, or on what is in a folder.

        The same as `galaxyclass.report`, with all its arguments.
        """
        from galaxyclass.reports.report import report

        return report(self, images, table, output=output, **more)

    @public
    def explain(self, images: Any, *, answer: str, output: str | Path, **more: Any) -> Explanation:
        """Map what of an image an answer rests on, and test the map.

        The same as `galaxyclass.explain`, with all its arguments.
        """
        from galaxyclass.explanation.explain import explain

        return explain(self, images, answer=answer, output=output, **more)

    def __repr__(self) -> str:
        task, networks = self.task, sum(bundle.manifest.members for bundle in self.bundles)
        counts = [counted(networks, "network")]
        if self.views > 1:
            counts.append(counted(self.views, "view"))
        cutouts = dict.fromkeys(cutout_in_words(bundle.manifest) for bundle in self.bundles)
        device, precision = self.options.device, self.options.precision
        if self._backends is None:
            engines: list[str] = [
                choose_engine(bundle, device, precision) for bundle in self.bundles
            ]
        else:
            engines = [type(backend).__name__ for backend in self._backends]
        parts = [
            self.name,
            *([task.labelling] if task.labelling else []),
            f"{task.count} {task.output_word}",
            " × ".join(counts),
            ", ".join(cutouts),
            ", ".join(dict.fromkeys(engines)),
        ]
        return summary(f"Model {' · '.join(parts)}")

    def _open(self, images: Any, table: TableJoin | Any, **options: Any) -> ImageSource:
        manifest = self.bundles[0].manifest
        source = open_images(
            images, id_column=manifest.id_column, name_parts=manifest.name_parts, **options
        )
        if source.id_integer is None and is_pretrained(self.sources[0]):
            # Its training table says nothing about these ids: whole numbers are integers.
            integer = source.ids is not None and all(map(is_exact_integer, source.ids))
            source = replace(source, id_integer=integer)
        source = replace(source, notes=(*source.notes, *_repeated(self.bundles)))
        if table is None:
            return source
        join = table if isinstance(table, TableJoin) else TableJoin(table)
        return carry_columns(source, join, images)


def _repeated(bundles: Sequence[Bundle]) -> Iterator[str]:
    """A note on each model that is there more than once."""
    folder_of = {bundle.manifest.digest: shown_folder(bundle.folder) for bundle in bundles}
    for digest, times in Counter(bundle.manifest.digest for bundle in bundles).items():
        if times > 1:
            name = folder_of[digest]
            yield f"{name} is named {times} times, and counts {times} times in the mean."


def require_included(
    model: Model, include: Sequence[str], layout: PredictionLayout = "table"
) -> None:
    """Refuse columns that cannot be included, before images are listed or networks loaded.

    Raises
    ------
    OutputError, BundleError
        An unknown name; the model does not have that column.
    """
    if "uncertainty" in check_include(include) and model.bundles != model.originals:
        raise BundleError(
            f"{model.name}: knows the intervals of its own labelling alone",
            wanted="no `labelling`, or no uncertainty in `include`",
            got=f"the labelling {model.options.labelling!r}",
        )
    fields = open_included(include, model.bundles).fields
    columns_of(model.task, "", id_integer=False, layout=layout, included=fields)
