"""Catalogs: which image is which galaxy, what people said of it, and what is wrong with that."""

from galaxyclass.catalogs.catalog import PART_TABLES, Catalog, ClassTargets, Ids, VoteTargets
from galaxyclass.catalogs.checks import check
from galaxyclass.catalogs.derive import FIVE, derive_classes
from galaxyclass.catalogs.findings import KINDS, Finding, Kind
from galaxyclass.catalogs.images import IMAGE_SUFFIXES, find_images
from galaxyclass.catalogs.parts import column_names
from galaxyclass.catalogs.read import read_catalog
from galaxyclass.catalogs.records import ImageFacts, ImageRecord
from galaxyclass.catalogs.splits import split
from galaxyclass.catalogs.tables import TABLE_SUFFIXES, read_table

__all__ = [
    "FIVE",
    "IMAGE_SUFFIXES",
    "KINDS",
    "PART_TABLES",
    "TABLE_SUFFIXES",
    "Catalog",
    "ClassTargets",
    "Finding",
    "Ids",
    "ImageFacts",
    "ImageRecord",
    "Kind",
    "VoteTargets",
    "check",
    "column_names",
    "derive_classes",
    "find_images",
    "read_catalog",
    "read_table",
    "split",
]
