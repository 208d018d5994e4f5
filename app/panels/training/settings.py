"""Settings of a training: method, preset, parameters, region, device."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.panels.training import noise_model_row
from app.panels.training.noise_model_row import NoiseModelRow
from app.panels.training.psf import PsfField
from app.panels.training.target import TargetRow
from app.shell.jobs import Job, Jobs
from app.widgets.form import LABEL_WIDTH, Form
from app.widgets.parameter_words import in_words
from core import params
from core.catalogue import methods
from core.errors import QuietfieldError
from core.findings import Proposal
from core.learning.base import Learned
from core.learning.methods.blurred import Blurred
from core.learning.seeing import Seeing
from core.methods.base import Method, summary

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.device import Device
    from core.stack import Stack

USUAL = ("seconds", "steps", "quality", "neighbours")
"""Parameters that are always visible, after those of the method; all others are under More."""


def prominent(cls: type[Learned]) -> tuple[str, ...]:
    """Return the names of the parameters that are always visible, in their order."""
    shared = {p.name for p in params.describe(Learned)}
    own = [p.name for p in params.describe(cls) if not p.advanced and p.name not in shared]
    elsewhere = (*USUAL, noise_model_row.NAME)  # in a row of its own
    return (*(name for name in own if name not in elsewhere), *USUAL)


class TrainingSettings(QWidget):
    """Method, preset, form, training data and device.

    Attributes
    ----------
    changed : Signal
        The user changed a setting.
    found : Signal
        The devices of this machine are known, and all libraries for training are loaded.
    """

    changed = Signal()
    found = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._forms: dict[str, Form] = {}
        self._asked = False
        self.kind = self._combo("training-method", "Target of the network, and computation of its result.")
        for method in methods("learned"):
            if issubclass(method, Learned):
                self.kind.addItem(method.label, method.name)
        self.description = QLabel()
        self.description.setObjectName("training-description")
        self.description.setWordWrap(True)
        self.preset = self._combo("training-preset", "Size of the network and duration of the training.")
        self.about = QLabel()
        self.about.setObjectName("training-preset-help")
        self.about.setProperty("class", "muted")
        self.about.setWordWrap(True)
        self.region = self._combo(
            "training-region",
            "Training data: whole planes, or the currently visible region of every plane.",
        )
        self.region.addItem("Whole stack", "whole")
        self.region.addItem("Visible region", "visible")
        self.processor = self._combo("training-device", "Device of the network; Automatic uses the fastest.")
        self.processor.addItem("Automatic", "auto")
        self.target = TargetRow()
        self.noise_model = NoiseModelRow()
        self._place = QVBoxLayout()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        for row, (label, box) in enumerate(
            (("&Method", self.kind), ("", self.description), ("&Preset", self.preset), ("", self.about))
        ):
            self._add(grid, row, label, box)
        grid.addWidget(self.target, 4, 0, 1, 2)
        grid.addWidget(self.noise_model, 5, 0, 1, 2)
        grid.addLayout(self._place, 6, 0, 1, 2)
        self._add(grid, 7, "&Train on", self.region)
        self._add(grid, 8, "&Device", self.processor)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.preset.currentIndexChanged.connect(self._on_preset)
        self.target.changed.connect(self.changed)
        self._on_kind()

    def _combo(self, name: str, help: str) -> QComboBox:
        box = QComboBox()
        box.setObjectName(name)
        box.setToolTip(f"<p>{help}</p>")
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box

    def _add(self, grid: QGridLayout, row: int, label: str, widget: QWidget) -> None:
        if not label:
            grid.addWidget(widget, row, 0, 1, 2)
            return
        words = QLabel(label)
        words.setBuddy(widget)
        words.setToolTip(widget.toolTip())
        grid.addWidget(words, row, 0)
        grid.addWidget(widget, row, 1)

    @property
    def method_class(self) -> type[Learned]:
        """Class of the selected method."""
        name = self.kind.currentData()
        return next(m for m in methods("learned") if m.name == name and issubclass(m, Learned))

    @property
    def form(self) -> Form:
        """Form of the selected method."""
        cls = self.method_class
        if cls.name not in self._forms:
            own = {"psf": PsfField} if issubclass(cls, Blurred) else {}
            form = self._forms[cls.name] = Form(cls, prominent=prominent(cls), fields=own)
            form.set_baseline(cls.preset_values(cls.default_preset), "preset")
            form.changed.connect(self._on_form)
            self._place.addWidget(form)
        return self._forms[cls.name]

    @property
    def device(self) -> str:
        """Name of the selected device."""
        return str(self.processor.currentData())

    @property
    def on_visible(self) -> bool:
        """Whether to train only on the visible region of the planes."""
        return bool(self.region.currentData() == "visible")

    def method(self) -> Learned:
        """Return the method with the current settings.

        Raises
        ------
        QuietfieldError
            If the values are not allowed in combination.
        """
        return cast(Learned, self.form.method())

    @property
    def target_path(self) -> Path | None:
        """File or folder of the clean stack, if the selected method needs one."""
        return self.target.path if self.method_class().needs_target else None

    def in_words(self) -> str:
        """Return a description of the training: method, preset, and the visible parameters."""
        values, described = self.form.values(), params.describe(self.method_class)
        shown = [p for p in described if p.name in prominent(self.method_class) and p.kind != "bool"]
        shown = [p for p in shown if values[p.name] != ""]
        words = [f"{p.label} {in_words(p, values[p.name])} {p.unit}".rstrip() for p in shown]
        if self.target_path is not None:
            words.insert(0, f"clean stack {self.target_path.name}")
        return ", ".join([self.method_class.label, f"preset {self.preset.currentText()}", *words]) + "."

    def show_method(self, method: Learned) -> None:
        """Show a method with its parameters, such as that of a loaded network."""
        self.kind.setCurrentIndex(self.kind.findData(method.name))
        self.form.set_values(params.values(method))
        self._mark()

    @Slot(object)
    def take(self, proposal: Proposal) -> None:
        """Select the method and set the parameters of a proposal."""
        if proposal.method:
            self.kind.setCurrentIndex(self.kind.findData(proposal.method))
        if proposal.preset in self.method_class.presets:
            self.preset.setCurrentIndex(self.preset.findData(proposal.preset))
        self.form.set_values(proposal.params)
        self._on_form()

    @property
    def noise_model_text(self) -> str:
        """Noise model of the selected method; "" for the measured one, and for methods without one."""
        return str(self.form.values().get(noise_model_row.NAME, ""))

    def use_noise_model(self, text: str) -> None:
        """Set the noise model of the selected method, or of PN2V if the method has none."""
        if noise_model_row.NAME not in self.form.values():
            self.kind.setCurrentIndex(self.kind.findData("pn2v"))
        self.form.set_values({noise_model_row.NAME: text})
        self._on_form()

    def offer(self, stack: Stack | None) -> None:
        """Offer neighbours only along existing axes of the stack; all axes without a stack."""
        self.noise_model.allow("" if stack is not None else "No stack is open.")
        p = next((p for p in params.describe(self.method_class) if p.name == "neighbours"), None)
        if issubclass(self.method_class, Seeing) and p is not None:
            found = {choice: params.build(self.method_class, {"neighbours": choice}) for choice in p.choices}
            reasons = {choice: self.refusal(m, stack) if stack else "" for choice, m in found.items()}
            self.form.allow_choices("neighbours", reasons)

    @staticmethod
    def refusal(method: Method, stack: Stack) -> str:
        """Return why a method with its neighbours cannot be trained on a stack, or ""."""
        try:
            if isinstance(method, Seeing):
                method.look_beside(stack)
        except QuietfieldError as error:
            return str(error)
        return ""

    def find_devices(self, jobs: Jobs) -> None:
        """Find the devices of this machine, once, in the background."""
        if self._asked:
            return
        self._asked = True

        def work(_: Job) -> tuple[Device, ...]:
            from core.learning.device import devices

            return devices()

        jobs.start("Looking for devices", work, done=self._on_devices, quiet=True)

    def _on_devices(self, found: tuple[Device, ...]) -> None:
        self._tip(0, f"Fastest device: {found[0].full_label}")
        for number, device in enumerate(found, start=1):
            self.processor.addItem(device.label, device.name)  # its details would be cut off
            self._tip(number, device.full_label)
        self.found.emit()

    def _tip(self, number: int, words: str) -> None:
        self.processor.setItemData(number, f"<p>{html.escape(words)}</p>", Qt.ItemDataRole.ToolTipRole)

    @Slot()
    def _on_kind(self) -> None:
        cls, chosen = self.method_class, self.form
        self.description.setText(summary(cls))
        self.description.setToolTip(f"<p>{' '.join((cls.__doc__ or '').split())}</p>")
        self.target.setVisible(cls().needs_target)
        for form in self._forms.values():
            form.setVisible(form is chosen)
        previous = self.preset.currentData() or cls.default_preset
        self.preset.blockSignals(True)
        self.preset.clear()
        for name, preset in cls.presets.items():
            self.preset.addItem(preset.label, name)
        self.preset.setCurrentIndex(max(0, self.preset.findData(previous)))
        self.preset.blockSignals(False)
        self._on_preset()

    @Slot()
    def _on_preset(self) -> None:
        values = self.method_class.preset_values(self.preset.currentData())
        kept = {k: v for k, v in self.form.values().items() if k not in values}
        self.form.set_baseline(values, "preset")
        self.form.set_values(kept)
        self._mark()
        self.changed.emit()

    @Slot()
    def _on_form(self) -> None:
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        cls, values, name = self.method_class, self.form.values(), self.preset.currentData()
        self.noise_model.show_form(self.form)
        changed = any(values[key] != value for key, value in cls.preset_values(name).items())
        help = cls.presets[name].help
        self.about.setText(f"{help} (Changed below.)" if changed else help)
        if "estimate_offset" in values:
            why = "The camera offset is estimated from the stack." if values["estimate_offset"] else ""
            self.form.allow("offset", why)
