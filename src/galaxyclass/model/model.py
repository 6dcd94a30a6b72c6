"""`Model`: one network or an ensemble, ready to predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import ChosenPrecision, Device, public
from galaxyclass.errors import ArgumentError, ArgumentTypeError, BundleError
from galaxyclass.model.auxiliary import in_labelling, in_task, labellings_of
from galaxyclass.model.backends.backend import Backend, choose_engine, open_backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.bundle.manifest import ComputedPrecision, Manifest
from galaxyclass.model.carry import Catalogue, carry_columns, make_catalogue
from galaxyclass.model.columns import PredictionLayout, columns_of
from galaxyclass.model.ensemble import Ensemble, Member, common_task, require_same
from galaxyclass.model.extra_columns import check_include, open_included
from galaxyclass.model.image_source import ImageSource, open_images
from galaxyclass.model.in_memory import predict_in_memory
from galaxyclass.model.job import PredictionSummary, predict_to_table
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.predictions import Predictions
from galaxyclass.model.pretrained import CARD, PRETRAINED, PRETRAINED_NAME, is_pretrained
from galaxyclass.model.provenance import joined_digest
from galaxyclass.model.rows import open_rows
from galaxyclass.model.writers import require_output
from galaxyclass.progress import Progress, silent
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.short import summary
from galaxyclass.tasks.names import is_exact_integer
from galaxyclass.tasks.task import Task

if TYPE_CHECKING:
    from galaxyclass.data.dataset.dataset import Dataset
    from galaxyclass.evaluation.calibrated import Calibrated
    from galaxyclass.evaluation.evaluation import Evaluation
    from galaxyclass.model.export.export import Exported


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
    ('galaxy-zoo-2', 2, 1)
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

    @property
    def name(self) -> str:
        """A short name: that of the folder or file, or of the pretrained model."""
        return " + ".join(map(_name, self.sources))

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
        return "\n".join(map(_card, self.bundles))

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
            See `galaxyclass.model.backends.backend.open_backend`.
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
        table: Any = None,
        carry: Sequence[str] = ("all",),
        id_map: Any = None,
        match_radius: float | None = None,
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
            Of a table: the column of the paths, if several could be; and that of the ids. By
            default the ids are in the column of the name that the model's training table has, or
            in one that holds the names of the files without their endings. With ``table``, its
            ids.
        reading : mapping, optional
            How FITS and other pictures in bands are read, where the model does not say it:
            ``bands`` (such as ``"g,r,z"``), ``stretch``, ``limits``, ``percentiles``,
            ``softening``, ``hdu``, and ``scale`` (``"keep"``: pixels as they are); see
            `Preprocessing`. `Predictions.notes` says how pictures were read.
        table : path or table in memory, optional
            A catalogue of any format (see `read_catalog`) whose columns are copied beside the
            predictions of image files, in the row that names the image; empty where none does.
        carry : sequence of str
            The columns of ``table`` that are copied; by default all.
        id_map : path or table in memory, optional
            Joins the ids of ``table`` to the names of images, as in `read_catalog`.
        match_radius : float, optional
            Join ``table`` by position instead: the nearest row within so many arcseconds. The
            position of an image is that of its name (J101112.3+040506.7) or of its WCS (FITS);
            right ascension and declination are found by their UCDs or names.
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
            See `galaxyclass.model.backends.backend.open_backend`.

        Examples
        --------
        >>> import galaxyclass
        >>> model = galaxyclass.load_model()
        >>> black, white = np.zeros((64, 64, 3)), np.ones((80, 90, 3))
        >>> model.predict([black, white], ids=["black", "white"]).ids
        ['black', 'white']
        """
        self._check_include(include)
        catalogue = make_catalogue(table, carry, id_column, id_map, match_radius)
        source = self._open(
            images,
            catalogue,
            ids=ids,
            path_column=path_column,
            table_id_column=id_column if table is None else None,
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
        ids: Iterable[str | int] | None = None,
        path_column: str | None = None,
        id_column: str | None = None,
        reading: Mapping[str, Any] | None = None,
        table: Any = None,
        carry: Sequence[str] = ("all",),
        id_map: Any = None,
        match_radius: float | None = None,
        progress: Progress = silent,
    ) -> PredictionSummary:
        """Predict images into a file, in constant memory.

        If it is interrupted or killed, the same call goes on where it stopped, and the output is
        byte for byte that of an uninterrupted call. This holds for images in files: a job of
        arrays or of an iterator begins anew.

        Parameters
        ----------
        images, include, ids, path_column, id_column, reading, table, carry, id_map
        match_radius, progress
            As for `predict`.
        output : str or Path
            A file to write: ``.csv``, ``.parquet``, ``.fits``, ``.vot`` or ``.ecsv``. By what it
            was made stands in its metadata; for a CSV, in ``<output>_provenance.json``.
        layout : {"table", "contest"}
            ``contest`` writes only the name of each image and its class.
        overwrite : bool
            Replace the output where it exists.

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
        require_output(output, overwrite=overwrite)
        self._check_include(include, layout)
        source = self._open(
            images,
            make_catalogue(table, carry, id_column, id_map, match_radius),
            ids=ids,
            path_column=path_column,
            table_id_column=id_column if table is None else None,
            clear_names=layout == "contest",
        )
        return predict_to_table(
            open_rows(self.ensemble, source, include, layout, reading=reading, name=self.name),
            output,
            self.options,
            progress=progress,
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
    def export(self, *, output: str | Path, **more: Any) -> Exported:
        """Write the model's network as ONNX.

        The same as `galaxyclass.export`, with all its arguments.
        """
        from galaxyclass.extras import require

        require("onnxscript", "onnx", "torch", "timm", "safetensors")
        from galaxyclass.model.export.export import export

        return export(self, output=output, **more)

    def __repr__(self) -> str:
        task, networks = self.task, sum(bundle.manifest.members for bundle in self.bundles)
        counts = [_count(networks, "network")]
        if self.views > 1:
            counts.append(_count(self.views, "view"))
        cutouts = dict.fromkeys(bundle.manifest.preprocessing for bundle in self.bundles)
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
            ", ".join(f"{cutout.size} px {_channels(cutout)}" for cutout in cutouts),
            ", ".join(dict.fromkeys(engines)),
        ]
        return summary(f"Model {' · '.join(parts)}")

    def _check_include(self, include: Sequence[str], layout: PredictionLayout = "table") -> None:
        """Refuse columns that cannot be included, before images are listed or networks loaded."""
        if "uncertainty" in check_include(include) and self.bundles != self.originals:
            raise BundleError(
                f"{self.name}: knows the intervals of its own labelling alone",
                wanted="no `labelling`, or no uncertainty in `include`",
                got=f"the labelling {self.options.labelling!r}",
            )
        fields = open_included(include, self.bundles).fields
        columns_of(self.task, "", id_integer=False, layout=layout, included=fields)

    def _open(self, images: Any, catalogue: Catalogue | None, **options: Any) -> ImageSource:
        manifest = self.bundles[0].manifest
        source = open_images(
            images, id_column=manifest.id_column, name_parts=manifest.name_parts, **options
        )
        if source.id_integer is None and is_pretrained(self.sources[0]):
            # Its training table says nothing about these ids: whole numbers are integers.
            integer = source.ids is not None and all(map(is_exact_integer, source.ids))
            source = replace(source, id_integer=integer)
        return source if catalogue is None else carry_columns(source, catalogue, images)


def _channels(cutout: Preprocessing) -> str:
    """The channels of a cutout in a word, and the stretch that makes them."""
    named = {"rgb": "RGB", "grey": "grey"}.get(cutout.colour, " ".join(cutout.bands))
    return f"{named} ({cutout.stretch})" if cutout.stretch else named


#: Where a model comes from: the folder of a run, a bundle, an exported network, the word
#: ``pretrained``, a Model; several of them are an ensemble.
ModelSource = str | Path | Model | Sequence[str | Path | Model]


@public
def load_model(
    source: ModelSource | None = None,
    *,
    views: int | None = None,
    device: Device | None = None,
    precision: ChosenPrecision | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    labelling: str | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    source : str, Path, Model, a sequence of them, or None
        None or ``"pretrained"``: the pretrained model, which comes with the package. Otherwise the
        folder of a run, a bundle, or an exported network (``.onnx``). Several with the same outputs
        are an ensemble: their mean is predicted.
    views, device, precision, batch_size, workers, labelling
        How its networks are run: see `InferenceOptions`. What is given is applied, also ``"auto"``;
        what is left out (None) is as in the `Model` that was given, otherwise the default.

    Raises
    ------
    BundleError
        Not a model, or a damaged one; several with different outputs; this package has no
        pretrained model.
    ArgumentError, ArgumentTypeError
        An option out of range; a source of another type, or an empty list.

    Examples
    --------
    >>> exact = load_model("pretrained", views=1, precision="fp32")
    >>> exact.options.precision, load_model(exact, precision="auto").options.precision
    ('fp32', 'auto')
    """
    given = {
        "views": views,
        "device": device,
        "precision": precision,
        "batch_size": batch_size,
        "workers": workers,
        "labelling": labelling,
    }
    stated = {name: value for name, value in given.items() if value is not None}
    return _open_model(PRETRAINED if source is None else source, stated)


def open_model(
    source: ModelSource,
    options: InferenceOptions | None = None,
    backend: Backend | Sequence[Backend] | None = None,
) -> Model:
    """Open a model from any source.

    Parameters
    ----------
    source : str, Path, Model or a sequence of them
    options : InferenceOptions, optional
        How its networks are run; None: as those of a `Model` are, otherwise by default.
    backend : Backend or a sequence of them, optional
        Used in place of the bundles' own networks, one for each bundle.

    Raises
    ------
    BundleError, ArgumentError, ArgumentTypeError
        As for `load_model`.
    """
    backends: Sequence[Backend] | None = None
    if backend is not None:
        backends = list(backend) if isinstance(backend, Sequence) else [backend]
    return _open_model(source, {} if options is None else asdict(options), backends)


def _open_model(
    source: ModelSource, stated: Mapping[str, Any], backends: Sequence[Backend] | None = None
) -> Model:
    """Open a model; the options stated take the place of those that a `Model` has."""
    if isinstance(source, Model):
        options = replace(source.options, **stated)
        if backends is None and options == source.options:
            return source
        same = (options.device, options.precision) == (
            source.options.device,
            source.options.precision,
        )
        if backends is None and same:
            backends = source.backends
        return Model(source.sources, source.originals, options, backends)
    listed = [source] if isinstance(source, str | Path) else _listed(source)
    options = _shared_options(listed, stated)
    sources: list[Path] = []
    bundles: list[Bundle] = []
    for entry in listed:
        if isinstance(entry, Model):
            sources += entry.sources
            bundles += entry.originals
        else:
            sources.append(Path(entry))
            bundles.append(_load(entry))
    return Model(sources, bundles, options, backends)


def _shared_options(sources: Sequence[Any], stated: Mapping[str, Any]) -> InferenceOptions:
    """The options stated, on those that models among the sources agree on."""
    shared = {replace(source.options, **stated) for source in sources if isinstance(source, Model)}
    if len(shared) > 1:
        raise ArgumentError(
            "the models have different options",
            argument="model",
            wanted="models with the same views, device, precision, batch_size, workers, labelling",
            got=" and ".join(sorted(map(repr, shared))),
            hint="load them in one call: `galaxyclass.load_model([A, B], views=…)`",
        )
    return shared.pop() if shared else InferenceOptions(**stated)


def single_bundle(source: ModelSource, action: str) -> Bundle:
    """The only bundle of a model, to calibrate or export it.

    Parameters
    ----------
    source : str, Path, Model or a sequence of them
    action : str
        For messages, such as ``calibrate``.

    Raises
    ------
    BundleError
        It has several bundles, or a labelling was chosen; and as for `load_model`.
    """
    model = open_model(source)
    require_own_labelling(model, action)
    bundles = model.bundles
    if len(bundles) > 1:
        raise BundleError(
            f"cannot {action} several models at once",
            wanted="one",
            got=f"{len(bundles)} of them",
            hint="combine them first: `galaxyclass.combine(['RUN', 'RUN'], output='runs/mean')`",
        )
    return bundles[0]


def require_own_labelling(model: Model, action: str) -> None:
    """Refuse a model in another labelling than its networks' own, which is a part of the model.

    Raises
    ------
    BundleError
    """
    if model.bundles != model.originals:
        raise BundleError(
            f"cannot {action} one labelling of a model",
            wanted="the whole model",
            got=f"the labelling {model.options.labelling!r}",
            hint="load it without `labelling`",
        )


def _listed(source: Any) -> list[str | Path | Model]:
    try:
        listed = list(source)
    except TypeError:
        listed = [source]
    refused = [entry for entry in listed if not isinstance(entry, str | Path | Model)]
    if refused:
        raise ArgumentTypeError(
            "a model cannot be loaded from this",
            argument="source",
            wanted="the path of a run, a bundle or an exported network; "
            f'"{PRETRAINED}"; a Model; or a list of them',
            got=type(refused[0]).__name__,
        )
    if not listed:
        raise ArgumentError(
            "no model was named", argument="source", wanted="one or more", got="an empty list"
        )
    return listed


def _load(source: str | Path) -> Bundle:
    bundle = load_bundle(source)
    if not is_pretrained(source):
        return bundle
    # Its ids have nothing to do with the table that it was trained on.
    plain = replace(bundle.manifest, id_column="GalaxyID", id_integer=False, name_parts=0)
    return replace(bundle, manifest=plain)


def _name(source: Path) -> str:
    if is_pretrained(source):
        return PRETRAINED_NAME
    name = source.stem if source.is_file() else source.resolve().name
    return source.resolve().parent.name if name == "bundle" else name


def _card(bundle: Bundle) -> str:
    file = bundle.folder / CARD
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return _described(bundle.manifest, bundle)


def _described(manifest: Manifest, bundle: Bundle) -> str:
    """A card made from a bundle's files."""
    cutout = manifest.preprocessing
    lines = [
        f"# {_name(bundle.folder)}",
        "",
        f"- Predicts {manifest.task.count} numbers for each galaxy.",
        f"- Made by the recipe `{manifest.recipe}` of galaxyclass {manifest.version}: "
        f"{_count(manifest.members, 'network')}, encoder `{manifest.model.encoder}`.",
        f"- Sees cutouts of {cutout.size} × {cutout.size} pixels ({_channels(cutout)}).",
        f"- {_count(manifest.views, 'test-time view')} by default.",
        *_rounding(manifest),
        "- Calibrated." if bundle.has("calibration") else "- Not calibrated.",
        f"- Identity: {manifest.digest}",
        "",
        "There is no model card; its run folder tells what it was trained on.",
        "",
    ]
    return "\n".join(lines)


def _rounding(manifest: Manifest) -> list[str]:
    """A line of the card on a network in 8-bit integers."""
    rounded = manifest.quantisation
    if rounded is None:
        return []
    return [
        "- Computes in 8-bit integers but for its last layers: fractions differ from those in "
        f"32-bit floats by {rounded.rms:.2g} (root mean square), {rounded.largest:.2g} at most, on "
        f"{rounded.compared} images."
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
