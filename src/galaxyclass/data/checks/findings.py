"""`Finding`, and the table of all that can be wrong with images and a table.

The documentation, the summary of a validation and the exit code are made from `FINDING_KINDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "note"]


@dataclass(frozen=True)
class FindingKind:
    """A kind of finding: its severity, its title, and what to do about it.

    An error would make a training wrong; a note is for information.
    """

    severity: Severity
    title: str
    hint: str


#: Code -> kind, in the order in which they are shown.
FINDING_KINDS: dict[str, FindingKind] = {
    "ragged_row": FindingKind(
        "error",
        "lines with more or fewer cells than the header",
        "correct the lines; often a comma is in a cell without quotation marks",
    ),
    "row_without_id": FindingKind(
        "error", "rows without an id", "fill in the id, or remove the row"
    ),
    "duplicate_id": FindingKind(
        "error", "repeated ids", "keep one row of each; the rows may disagree"
    ),
    "image_missing": FindingKind(
        "error",
        "ids without an image",
        "add the images, or remove the rows (`skip_invalid=True` does)",
    ),
    "ambiguous_image": FindingKind(
        "error",
        "ids that fit images in several folders",
        "pass one folder as `images`, or add a column with the path of each image",
    ),
    "image_undecodable": FindingKind(
        "error", "images that cannot be decoded", "download them again, or remove them"
    ),
    "identical_images": FindingKind(
        "error",
        "one image under several ids",
        "find out which id it belongs to: a model would be trained and tested on the same image",
    ),
    "not_a_number": FindingKind(
        "error",
        "cells that are not numbers",
        "write a number with a decimal point; leave the cell empty where it is not known",
    ),
    "fraction_out_of_range": FindingKind(
        "error",
        "vote fractions outside 0 to 1",
        "votes must be fractions, not counts or percentages; leave a cell empty where it is not "
        "known, instead of -1 or -99",
    ),
    "count_out_of_range": FindingKind(
        "error",
        "numbers of votes below 0",
        "leave a cell empty where it is not known, instead of -1 or -99",
    ),
    "broken_sum": FindingKind(
        "error",
        "questions whose answers do not sum to the fraction that was asked",
        "compare the row with the table's source; a changed or swapped cell is the usual cause",
    ),
    "constant_number": FindingKind(
        "error",
        "columns of numbers with one value",
        "leave the column out of `numbers`: there is nothing to learn",
    ),
    "single_class": FindingKind(
        "error",
        "only one class",
        "a model needs two or more: add galaxies that are not of it",
    ),
    "no_target": FindingKind(
        "error",
        "nothing to train on",
        "add vote fractions in a known layout, or a class column; or name one by `target_column`",
    ),
    "near_tie": FindingKind(
        "note", "another column that matches images too", "name the right one by `id_column`"
    ),
    "table_note": FindingKind(
        "note", "how the table was read", "no action is needed if that is what it holds"
    ),
    "votes_converted": FindingKind(
        "note",
        "votes that were converted to fractions",
        "no action is needed if that is what the columns hold",
    ),
    "unknown_column": FindingKind(
        "note",
        "columns that look like answers of the tree but are not",
        "they are not read as votes; correct the name if they should be",
    ),
    "columns_absent": FindingKind(
        "note",
        "answers without a column",
        "their votes are unknown: a model will not learn them, and leaves them empty",
    ),
    "votes_unasked": FindingKind(
        "note",
        "questions that nobody answered, though some were led to them",
        "all their answers are 0, which is not a measurement; they are taken as unknown",
    ),
    "class_missing": FindingKind(
        "note", "galaxies without a class", "they are left out; fill in the class where it is known"
    ),
    "votes_unknown": FindingKind(
        "note",
        "questions with unknown votes",
        "no action is needed: unknown votes do not count in training and scores",
    ),
    "counts_not_whole": FindingKind(
        "note",
        "counts of votes that are not whole numbers",
        "weighted votes can be learnt as counts; fractions should not be",
    ),
    "number_sentinel": FindingKind(
        "note",
        "values that may stand for unknown numbers",
        "if they do, say so: `missing=-1`, or of one column `missing='COLUMN=-1'`",
    ),
    "numbers_missing": FindingKind(
        "note",
        "unknown numbers",
        "no action is needed: unknown numbers do not count in training and scores",
    ),
    "number_outliers": FindingKind(
        "note",
        "numbers far from all others",
        "look at these rows; the loss of a training counts them little, the RMSE much",
    ),
    "number_classes": FindingKind(
        "note",
        "columns of numbers with two values",
        "if they are classes, name the column by `target_column` instead of `numbers`",
    ),
    "test_without_class": FindingKind(
        "note",
        "galaxies of the test part without a class",
        "they are not scored; `galaxyclass.predict` predicts their classes",
    ),
    "images_only": FindingKind(
        "note",
        "no table and no folders of classes",
        "only the images were checked; pass `table` to check votes or classes too",
    ),
    "image_without_row": FindingKind(
        "note", "images without a row in the table", "they are not trained on"
    ),
    "several_files": FindingKind(
        "note", "one galaxy in several files", "the first is used; remove the others if they differ"
    ),
    "mixed_sizes": FindingKind(
        "note",
        "images of several sizes",
        "valid if the pixel scale is the same; a cutout is a fixed number of pixels",
    ),
    "classes_alike": FindingKind(
        "note",
        "classes whose names differ only in case or blanks",
        "they are kept apart; write each class in one way if they are one (Sbc and SBc are two)",
    ),
    "classes_unknown": FindingKind(
        "note",
        "classes whose names mostly say that the class is not known",
        "leave these cells empty, or the folder out, if they are no class to be learnt",
    ),
    "class_imbalance": FindingKind(
        "note",
        "classes that are small, or much smaller than the largest",
        "look at the balanced accuracy, not the accuracy; add galaxies of these classes",
    ),
    "rare_answers": FindingKind(
        "note",
        "answers that have half the votes of hardly any galaxy",
        "a model can learn little about them from this table",
    ),
    "few_galaxies": FindingKind(
        "note",
        "few galaxies",
        "a training measures its score on 15 % of them: from 200 on that means something; "
        "`galaxyclass.finetune` learns from 50, and from 10 at least",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a note about images and a table, and its location.

    Attributes
    ----------
    code : str
        One of `FINDING_KINDS`.
    severity : "error" or "note"
    message : str
        What is wrong, and where.
    file : str or None
        The table or the image.
    row : int or None
        The line of a CSV (the header is line 1), or the row of a parquet table (from 1).
    id, column : str or None
    index : int or None
        The galaxy's index in the catalog; None where the finding is about the table as a whole,
        or about a row that never became a galaxy.
    """

    code: str
    severity: Severity
    message: str
    file: str | None = None
    row: int | None = None
    id: str | None = None
    column: str | None = None
    index: int | None = None


def finding(
    code: str,
    message: str,
    *,
    file: str | None = None,
    row: int | None = None,
    id: str | None = None,  # noqa: A002 - the name of the attribute
    column: str | None = None,
    index: int | None = None,
) -> Finding:
    """A finding with the severity of its kind."""
    return Finding(code, FINDING_KINDS[code].severity, message, file, row, id, column, index)
