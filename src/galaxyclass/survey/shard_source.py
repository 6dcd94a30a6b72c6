"""From the objects of a shard to the pictures that a model predicts."""

from __future__ import annotations

import pyarrow as pa

from galaxyclass.model.image_source import ImageSource
from galaxyclass.survey.manifest import ID, PATH, SurveyPlan
from galaxyclass.survey.tile_survey import CUT, TileReader
from galaxyclass.survey.write_objects import CARRIED


def shard_source(plan: SurveyPlan, table: pa.Table, tiles: TileReader | None) -> ImageSource:
    """The pictures of some objects of a survey.

    Parameters
    ----------
    plan : SurveyPlan
    table : pyarrow.Table
        Of `read_objects`, or some of its rows.
    tiles : TileReader, optional
        Of a survey of tiles.
    """
    ids = table[ID].to_pylist()
    carried = _carried(table)
    if tiles is not None:
        return tiles.source(
            ids, table.select(list(CUT)), carried, plan.id_column, id_integer=plan.id_integer
        )
    return ImageSource(
        table[PATH].to_pylist(),
        ids,
        id_column=plan.id_column,
        id_integer=plan.id_integer,
        carried=carried,
    )


def _carried(table: pa.Table) -> pa.Table | None:
    names = [name for name in table.column_names if name.startswith(CARRIED)]
    if not names:
        return None
    carried = table.select(names)
    fields = [field.with_name(field.name.removeprefix(CARRIED)) for field in carried.schema]
    return pa.table(carried.columns, schema=pa.schema(fields))
