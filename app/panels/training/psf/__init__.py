"""The PSF of a training: its row in the form, its dialog, and the sweep."""

from app.panels.training.psf.field import PsfField
from app.panels.training.psf.part import PsfPart

__all__ = ["PsfField", "PsfPart"]
