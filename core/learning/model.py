"""A trained network with all that is needed to apply, identify and resume it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from core.findings import Finding
from core.learning.base import Learned
from core.learning.data import Normalisation
from core.learning.device import choose
from core.methods.base import Bindable


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Description of a training.

    Attributes
    ----------
    steps : int
        Number of updates of the network.
    seconds : float
        Training time, without pauses.
    curve : tuple of (int, float, float)
        Step, training loss and validation loss after each epoch.
    source : dict
        Fingerprint of the stack: name, axes, shape, dtype, sha256.
    program, device : str
        Version of Quietfield, and device of the training.
    findings : tuple of Finding
        Findings before and during the training.
    note : str
        Messages of the findings; older versions stored only these.
    """

    steps: int = 0
    seconds: float = 0.0
    curve: tuple[tuple[int, float, float], ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    program: str = ""
    device: str = ""
    findings: tuple[Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A trained network.

    Attributes
    ----------
    method : Learned
        Method and parameters of the training.
    weights : dict of str to Tensor
        Weights of the network, float32 on the CPU.
    normalisation : Normalisation
        Normalisation of the pixels.
    record : Record
        Description of the training.
    resume : dict or None
        State of the trainer for resuming.
    """

    method: Learned
    weights: Mapping[str, Tensor]
    normalisation: Normalisation
    record: Record = field(default_factory=Record)
    resume: Mapping[str, Any] | None = None

    def prediction(self, device: str = "auto") -> Bindable:
        """Return the prediction of this network.

        Parameters
        ----------
        device : str
            Name of a device, or "auto" for the best.
        """
        return self.method.readout().prediction(self.weights, self.normalisation, choose(device))
