"""What a model is on disk: a manifest and weights, checked when they are loaded; never code."""

from galaxyclass.bundles.estimates import Estimates
from galaxyclass.bundles.load import (
    Bundle,
    ExportedBundle,
    Role,
    is_model,
    load_bundle,
    run_file,
)
from galaxyclass.bundles.manifest import (
    FORMAT,
    ClassOutputs,
    Manifest,
    Outputs,
    Precision,
    VoteOutputs,
    manifest_json,
    output_count,
    parse_manifest,
)
from galaxyclass.bundles.save import save_bundle
from galaxyclass.bundles.shipped import box_bundle, box_folder

__all__ = [
    "FORMAT",
    "Bundle",
    "ClassOutputs",
    "Estimates",
    "ExportedBundle",
    "Manifest",
    "Outputs",
    "Precision",
    "Role",
    "VoteOutputs",
    "box_bundle",
    "box_folder",
    "is_model",
    "load_bundle",
    "manifest_json",
    "output_count",
    "parse_manifest",
    "run_file",
    "save_bundle",
]
