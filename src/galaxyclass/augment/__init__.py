"""Random changes of training cutouts, for a whole batch at once; tensors only."""

from galaxyclass.augment.affine import affine_matrices, warp
from galaxyclass.augment.augment import augment
from galaxyclass.augment.colour import jitter
from galaxyclass.augment.mirrors import mirror_swap, mirrored

__all__ = ["affine_matrices", "augment", "jitter", "mirror_swap", "mirrored", "warp"]
