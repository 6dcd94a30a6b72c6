"""Validation: what is wrong with images and a table, and what is left without it."""

from galaxyclass.validation.sound import require_sound, sound
from galaxyclass.validation.validate import Report, validate

__all__ = ["Report", "require_sound", "sound", "validate"]
