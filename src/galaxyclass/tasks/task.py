"""`Task`: what a model predicts. Nothing outside this room depends on the kind of task.

A new kind of target is a file that has a `Task` and its `Targets`, and a line in
`galaxyclass.tasks.kinds.TASKS`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles, Floats
from galaxyclass.tasks.label_doubt import LabelDoubt, doubt_numbers
from galaxyclass.tasks.scores.noise import VOTES
from galaxyclass.tasks.scoring import Scoring
from galaxyclass.tasks.targets import Targets
from galaxyclass.tasks.undecided import undecided
from galaxyclass.trees.tree import Tree

if TYPE_CHECKING:
    import pyarrow as pa

    from galaxyclass.recipes.recipe import Head, Loss


class Task(Scoring):
    """What a model predicts for a galaxy: its outputs, how they are learnt and how they are shown.

    `Scoring` has its scores. Every kind of task is a frozen dataclass of this type. Predictions of
    any kind are (galaxies, outputs) float: vote fractions, probabilities.

    Attributes
    ----------
    kind : str
        The name of the kind: a key of `galaxyclass.tasks.kinds.TASKS`.
    heads, losses : tuple of str
        The settings of a recipe that are possible; the first is what ``auto`` stands for.
    bounds : (float, float)
        The smallest and the largest possible prediction.
    labelling : str
        The name of the labelling that the outputs follow, such as a catalogue's way of debiasing;
        empty where it has no name. A field of every kind.
    linear_head : str
        The head of a network (`galaxyclass.networks.heads`) that is the same as `from_linear`.
    least_spread : float
        Where no output has a larger standard deviation, a model does not tell galaxies apart. In
        valid models of fractions the largest standard deviation is 0.05 to 0.35.
    """

    kind: ClassVar[str]
    heads: ClassVar[tuple[Head, ...]]
    losses: ClassVar[tuple[Loss, ...]]
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    linear_head: ClassVar[str] = "linear"
    least_spread: ClassVar[float] = 0.005
    labelling: str = ""

    @classmethod
    @abstractmethod
    def fit(cls, targets: Any, training: NDArray[np.int64]) -> Self:
        """The task of predicting some targets, with the mean values of the training galaxies.

        Parameters
        ----------
        targets : Targets
            Of the type that belongs to the task.
        training : (galaxies,) int64
            Indices of the training galaxies.
        """

    # Outputs.

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """A name for each output, as in the training table."""

    @property
    def count(self) -> int:
        """How many outputs a model has for a galaxy."""
        return len(self.names)

    @property
    def known_mask(self) -> NDArray[np.bool_]:
        """(outputs,) whether training had values of each; the other outputs are meaningless."""
        return np.ones(self.count, dtype=bool)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, of which a mirror image may have another one than the galaxy.

        Empty where the outputs are not classes; a mirror image then has the galaxy's outputs.
        """
        return ()

    @property
    def class_shares(self) -> tuple[float, ...] | None:
        """The share of the training galaxies in each of the `class_names`, for balanced weights."""
        return None

    @property
    def decision_tree(self) -> Tree | None:
        """The tree that the outputs are answers of, if they are."""
        return None

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of the groups of outputs: the questions of a tree; empty without groups."""
        return ()

    @property
    def output_word(self) -> str:
        """The plural noun for the outputs, such as ``answers``."""
        return "outputs"

    @property
    def outputs_are_shares(self) -> bool:
        """Whether outputs are shares or probabilities, of which 0 says that something is absent."""
        return True

    @property
    def value_words(self) -> str:
        """What an output measures, as the label of an axis."""
        return "value"

    @property
    def groups(self) -> tuple[tuple[str, slice, tuple[str, ...]], ...]:
        """The outputs for figures: of each group its title, its slice, and short names."""
        return (("", slice(0, self.count), self.names),)

    @property
    def interval_names(self) -> tuple[str, ...]:
        """A name for each output, where outputs can have prediction intervals; otherwise empty."""
        return ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the labels are called in the table: columns, and classes."""
        return self.names

    @property
    def words(self) -> str:
        """What the outputs are, in a few words."""
        return self.kind

    # The scale of the outputs.

    @property
    def output_scales(self) -> tuple[Doubles, Doubles]:
        """(outputs,) the zero point and the unit of each output, in which a network learns it.

        A network's raw output of 1 is one unit above the zero point, where a head scales at all
        (``linear``). Fractions and probabilities have 0 and 1.
        """
        return np.zeros(self.count), np.ones(self.count)

    @property
    def output_limits(self) -> tuple[Doubles, Doubles]:
        """(outputs,) the smallest and the largest prediction of each output."""
        low, high = self.bounds
        return np.full(self.count, low), np.full(self.count, high)

    # Prediction intervals. They are fitted to outputs on a scale of 0 to 1.

    @property
    def interval_groups(self) -> tuple[slice, ...]:
        """The outputs whose intervals are fitted together where few galaxies know them.

        Empty where outputs cannot have prediction intervals.
        """
        return ()

    def to_interval_scale(self, values: Floats) -> Doubles:
        """(galaxies, outputs) outputs, or their truth, on the scale of the intervals."""
        return np.asarray(values, dtype=np.float64)

    def from_interval_scale(self, values: Floats) -> Doubles:
        """(galaxies, outputs) outputs of a network, from the scale of the intervals."""
        return np.asarray(values, dtype=np.float64)

    def interval_truth(self, targets: Targets) -> Floats | None:
        """(galaxies, outputs) the truth on the scale of the intervals; None if there are none."""
        return None

    @property
    def interval_words(self) -> str:
        """What the intervals are of, as a plural noun."""
        return "fractions"

    # Tables of the truth.

    def table_arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        """The arguments with which `read_catalog` reads the task's targets from a table.

        Parameters
        ----------
        columns : sequence of str
            Of the table; empty where there is none.
        """
        return {}

    @property
    def derivation(self) -> str | None:
        """The rule by which classes were derived from votes (`derive_classes`), if they were."""
        return None

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What a table must have to be scored, in words."""

    @property
    def target_hint(self) -> str | None:
        """The hint of an error about a table that does not have the truth."""
        return "name the class column by `target_column`"

    def fits(self, targets: Targets | None) -> bool:
        """Whether targets are of the kind that the task predicts."""
        return targets is not None and targets.kind == self.kind

    def overlaps(self, targets: Targets) -> bool:
        """Whether the task predicts any of the targets; they are of its kind (`fits`)."""
        return self.fits(targets)

    def require_overlap(self, targets: Targets, source: str) -> None:
        """Refuse targets of the task's kind of which it predicts none.

        Raises
        ------
        CatalogError
        """
        assert self.fits(targets)

    # Tables of predictions.

    def columns(
        self, id_column: str, *, contest: bool = False
    ) -> tuple[tuple[str, ...], str | None]:
        """The columns of a table of predictions: of the outputs, and of their summary.

        Parameters
        ----------
        id_column : str
            The name of the id column, which is taken.
        contest : bool
            In the layout of a contest: only the summary.

        Raises
        ------
        OutputError
            The task has no contest layout.
        """
        return self.names, None

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What each of the outputs is, in a sentence for the metadata of a table; or nothing."""
        return ()

    def shown(self, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies, columns) predictions as a table has them, from the outputs of a network."""
        return predictions

    def shown_beside(self, index: int) -> slice | None:
        """The outputs of whose sum an output is shown as a share; None: it is shown as it is."""
        return None

    def from_shown(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(galaxies, outputs) of a network, from predictions as they stand in a table."""
        return values

    @property
    def posterior_names(self) -> dict[str, tuple[str, ...]]:
        """The columns of what a model believes, by the name under which they are included."""
        return {}

    def posterior(self, name: str, predictions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(galaxies, columns) the values of `posterior_names`, from the outputs of a network."""
        raise NotImplementedError(name)

    def summed_up(self, predictions: NDArray[np.float32]) -> pa.Array | None:
        """(galaxies,) the cells of the summary column, where `columns` has one."""
        return None

    # Several models, several tables.

    @property
    @abstractmethod
    def identity(self) -> object:
        """Equal for tasks whose predictions can be averaged; can be hashed."""

    @abstractmethod
    def describe(self, beside: Task) -> str:
        """What a model predicts, where it differs from what another model predicts."""

    @abstractmethod
    def common(self, tasks: Sequence[Task]) -> Self:
        """The task of an ensemble.

        Parameters
        ----------
        tasks : sequence of Task
            The tasks of all members, this one among them; they have one `identity`.
        """

    def labelled(self, name: str) -> Self:
        """The same task in a labelling of that name."""
        return replace(self, labelling=name)  # type: ignore[type-var]  # every kind is a dataclass

    def has_outputs_of(self, other: Task) -> bool:
        """Whether the outputs of a network mean the same, in this labelling or another."""
        return (self.kind, self.class_names, self.decision_tree) == (
            other.kind,
            other.class_names,
            other.decision_tree,
        )

    def merge(self, other: Task) -> Self:
        """The task of a network that learns from one more table for the same task."""
        return self

    # Linear models.

    def linear_targets(self, values: Any) -> Doubles:
        """(galaxies, outputs) what a linear model of each output learns; NaN unknown.

        Parameters
        ----------
        values : (galaxies, …)
            As `scorable` gives them.
        """
        return np.asarray(values, dtype=np.float64).reshape(len(values), self.count)

    def from_linear(self, raw: Doubles) -> Doubles:
        """(galaxies, outputs) predictions, from a linear model's outputs."""
        return np.clip(raw, *self.bounds)

    def to_linear(self, predictions: Doubles) -> Doubles:
        """(galaxies, outputs) predictions on the scale of `linear_targets`."""
        return predictions

    def fit_link(self, raw: Doubles, values: Any) -> tuple[float, Doubles]:
        """The scale and the offsets of a linear model's outputs with the best predictions.

        Parameters
        ----------
        raw : (galaxies, outputs) float64
            Of galaxies that the model did not learn.
        values : (galaxies, …)
            The truth, as `scorable` gives it.

        Returns
        -------
        scale : float
        offsets : (outputs,) float64
            Predictions are ``from_linear(scale * raw + offsets)``.
        """
        return 1.0, np.zeros(self.count)

    def doubt(self, predictions: Doubles, values: Any, votes: float = VOTES) -> LabelDoubt:
        """How little each label is believable beside its prediction.

        Parameters
        ----------
        predictions : (galaxies, outputs) float64
            By models that have not learnt the galaxy.
        values : (galaxies, …)
            The labels, as `scorable` gives them; all known.
        votes : float
            Volunteers of a galaxy, whose votes are noisy.

        Returns
        -------
        LabelDoubt
            Scores in standard deviations.
        """
        targets = self.linear_targets(values)
        return doubt_numbers(predictions, targets, np.zeros_like(targets), self.names)

    # JSON.

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """As plain data, with its ``kind``."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any], source: str) -> Self:
        """A task from the result of `to_json`.

        Raises
        ------
        pydantic.ValidationError, TreeError, BundleError
            It is damaged.
        """

    # How sure predictions are.

    def uncertainty(self, predictions: Doubles, widths: Doubles | None = None) -> Doubles:
        """(galaxies,) how undecided each prediction is, by which galaxies are called uncertain.

        Of votes and classes, the entropy of the answers (`undecided`); of counts, how little is
        known of the shares; of numbers, the width of their intervals (`relative_width`).

        Parameters
        ----------
        predictions : (galaxies, outputs) float64
            The outputs of a network; NaN: unknown.
        widths : (galaxies, columns) float64, optional
            Of the intervals of a calibrated model.

        Raises
        ------
        ScoreError
            Numbers without intervals.
        """
        known = np.where(self.known_mask, predictions, np.nan)
        return undecided(known, (outputs for _, outputs, _ in self.groups))

    def uncertainty_words(self, value: float) -> str:
        """A value of `uncertainty`, with what it is and how large it can be."""
        of = "classes" if self.decision_tree is None else "answers"
        return f"entropy of the {of} {value:.3f}, of {len(self.groups)} at most"

    # What looks wrong with predictions.

    @property
    def sum_rules(self) -> int:
        """How many rules there are for sums of outputs."""
        return 0

    @property
    def sum_tolerance(self) -> float:
        """How far a sum may be from its rule."""
        return 0.0

    def sums(self, predictions: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """The sums of the outputs in each rule, and what they should be.

        Parameters
        ----------
        predictions : (galaxies, outputs) float64

        Returns
        -------
        sums, wanted : (galaxies, sum_rules) float
            NaN where a rule cannot be tested.
        """
        return np.zeros((len(predictions), 0)), np.zeros((len(predictions), 0))

    def sums_to_nothing(self, sums: Sequence[float], largest: float, *, many: bool) -> bool:
        """Whether predictions have collapsed to zero.

        Parameters
        ----------
        sums : (sum_rules,) sequence of float
            The largest sum of each rule.
        largest : float
            The largest prediction of all.
        many : bool
            Whether there are enough galaxies to judge by that alone.
        """
        return False

    def describe_broken_sums(
        self, broken: Sequence[int], worst: Sequence[float], galaxies: int
    ) -> str:
        """What is wrong with the sums, and what to try.

        Parameters
        ----------
        broken, worst : (sum_rules,) sequence
            How many galaxies break each rule, and by how much at most.
        galaxies : int
            How many galaxies there are.
        """
        return ""
