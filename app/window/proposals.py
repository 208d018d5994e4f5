"""Carry out what a finding proposes, in the panel that can do it."""

from __future__ import annotations

from dataclasses import dataclass

from app.documents.opening import Opener
from app.panels.filters import FilterPanel
from app.panels.training import TrainingPanel
from app.window.arrangement import Arrangement
from app.window.dialogs import Dialogs
from core.catalogue import find
from core.findings import Proposal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposals:
    """Selects methods and parameters, and leaves frames out, as findings propose.

    Attributes
    ----------
    opener : Opener
        Opens the stack without some frames.
    filters, training : QWidget
        Panels that hold the methods.
    arrangement : Arrangement
        Raises the panel.
    dialogs : Dialogs
        Asks for the files of a calibration.
    """

    opener: Opener
    filters: FilterPanel
    training: TrainingPanel
    arrangement: Arrangement
    dialogs: Dialogs

    def take(self, proposal: Proposal) -> None:
        """Carry out a proposal."""
        if proposal.action == "calibrate":
            self.dialogs.calibrate()
        elif proposal.action == "noise-model":
            self.dialogs.noise_model(self.training.settings.noise_model_text)
        elif proposal.action == "leave-out":
            indices = tuple(int(word) for word in str(proposal.params["indices"]).split())
            self.opener.leave_out(str(proposal.params["axis"]), indices)
        elif proposal.preset or (proposal.method and find(proposal.method).group == "learned"):
            self.arrangement.go_to(self.training)
            self.training.settings.take(proposal)
        elif proposal.method:
            self.arrangement.go_to(self.filters)
            self.filters.take(proposal)
