"""`load_model`: a model from the folder of a run, a bundle, an exported network, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from galaxyclass.arguments import ChosenPrecision, Device, public
from galaxyclass.errors import ArgumentError, ArgumentTypeError, BundleError
from galaxyclass.model.backends.backend import Backend
from galaxyclass.model.bundle.load import Bundle, load_bundle
from galaxyclass.model.model import Model
from galaxyclass.model.options import InferenceOptions
from galaxyclass.model.pretrained import PRETRAINED, is_pretrained

#: Where a model comes from: the folder of a run, a bundle, an exported network, the word
#: ``pretrained``, a Model; several of them are an ensemble.
ModelSource = str | Path | Model | Sequence[str | Path | Model]


@public
def load_model(
    model: ModelSource | None = None,
    *,
    views: int | None = None,
    device: Device | None = None,
    precision: ChosenPrecision | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    labelling: str | None = None,
    backend: Backend | Sequence[Backend] | None = None,
) -> Model:
    """Load a model.

    Parameters
    ----------
    model : str, Path, Model, a sequence of them, or None
        None or ``"pretrained"``: the pretrained model, which comes with the package. Otherwise the
        folder of a run, a bundle, or an exported network (``.onnx``). Several with the same outputs
        are an ensemble: their mean is predicted.
    views, device, precision, batch_size, workers, labelling
        How its networks are run: see `InferenceOptions`. What is given is applied, also ``"auto"``;
        what is left out (None) is as in the `Model` that was given, otherwise the default.
    backend : Backend or a sequence of them, optional
        Used in place of its own networks, one for each bundle. Called from one thread only, unless
        it is a `ConcurrentBackend`.

    Raises
    ------
    BundleError
        Not a model, or a damaged one; several with different outputs; this package has no
        pretrained model.
    ArgumentError, ArgumentTypeError
        An option out of range; a model of another type, or an empty list.

    Examples
    --------
    >>> exact = load_model("pretrained", views=1, precision="fp32")
    >>> exact.options.precision, load_model(exact, precision="auto").options.precision
    ('fp32', 'auto')
    """
    arguments = {
        "views": views,
        "device": device,
        "precision": precision,
        "batch_size": batch_size,
        "workers": workers,
        "labelling": labelling,
    }
    stated = {name: value for name, value in arguments.items() if value is not None}
    backends: Sequence[Backend] | None = None
    if backend is not None:
        backends = list(backend) if isinstance(backend, Sequence) else [backend]
    return _open_model(PRETRAINED if model is None else model, stated, backends)


def open_model(source: ModelSource, options: InferenceOptions | None = None) -> Model:
    """Open a model from any source.

    Parameters
    ----------
    source : str, Path, Model or a sequence of them
    options : InferenceOptions, optional
        How its networks are run; None: as those of a `Model` are, otherwise by default.

    Raises
    ------
    BundleError, ArgumentError, ArgumentTypeError
        As for `load_model`.
    """
    return _open_model(source, {} if options is None else asdict(options))


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
            hint="name one of them: finetuned models cannot be combined"
            if any(bundle.manifest.network_outputs is not None for bundle in bundles)
            else "combine them first: "
            "`galaxyclass.combine(['MODEL', 'MODEL'], output='runs/mean')`",
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
            argument="model",
            wanted="the path of a run, a bundle or an exported network; "
            f'"{PRETRAINED}"; a Model; or a list of them',
            got=type(refused[0]).__name__,
        )
    if not listed:
        raise ArgumentError(
            "no model was named", argument="model", wanted="one or more", got="an empty list"
        )
    return listed


def _load(source: str | Path) -> Bundle:
    bundle = load_bundle(source)
    if not is_pretrained(source):
        return bundle
    # Its ids have nothing to do with the table that it was trained on.
    plain = replace(bundle.manifest, id_column="GalaxyID", id_integer=False, name_parts=0)
    return replace(bundle, manifest=plain)
