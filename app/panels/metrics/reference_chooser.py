"""Selection of the reference of metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLabel, QWidget

from app.panels.metrics.references import Offer, chosen, offers, truth_label
from app.shell import file_kinds
from app.shell.jobs import Job, Jobs, Outcome
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.widgets.common import failure
from core.stack import Stack

CHANNEL = "reference"


class ReferenceChooser(QWidget):
    """A list of possible references, and whether images are fitted to the reference first.

    Attributes
    ----------
    said : Signal of str
        Why a reference could not be read; "" when another one is chosen.
    ask_open : callable
        Asks for a file name; "" for none.
    """

    said = Signal(str)

    def __init__(self, session: Session, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._offers: tuple[Offer, ...] = ()
        self.ask_open: Callable[[], str] = self._ask_open
        self.box = QComboBox()
        self.box.setObjectName("metrics-reference")
        self.box.setToolTip("<p>Reference of the metrics: an image that is known to be clean.</p>")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(26)
        self.box.activated.connect(self._on_offer)
        label = QLabel("&Reference")
        label.setBuddy(self.box)
        self.affine = QCheckBox("&Fit scale and offset first")
        self.affine.setObjectName("metrics-affine")
        self.affine.setToolTip(
            "<p>Fit scale and offset of every plane to the reference (least squares) before computing "
            "metrics. For results whose scale was lost, such as 8-bit images. Hides a wrong brightness.</p>"
        )
        self.affine.toggled.connect(self._on_affine)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for part in (label, self.box, self.affine):
            line.addWidget(part)
        session.changed.connect(self._on_session)
        self._show(session.snapshot)

    @Slot(object, object)
    def _on_session(self, new: Snapshot, old: Snapshot) -> None:
        if new.source is not old.source:
            self._jobs.cancel(CHANNEL)
            if new.truth is not None and new.reference is None:
                # the ground truth of a simulation is the reference
                self._session.set_reference("truth", truth_label(new.truth), new.truth)
        if (new.results, new.reference) != (old.results, old.reference):
            self._show(new)

    def _show(self, snapshot: Snapshot) -> None:
        self._show_offers(snapshot)
        self._show_affine(snapshot)

    def _show_offers(self, snapshot: Snapshot) -> None:
        self._offers = offers(snapshot)
        with QSignalBlocker(self.box):
            self.box.clear()
            for number, offer in enumerate(self._offers):
                self.box.addItem(offer.label)
                tip = offer.reason or offer.help
                self.box.setItemData(number, f"<p>{tip}</p>", Qt.ItemDataRole.ToolTipRole)
                model = self.box.model()
                if offer.reason and isinstance(model, QStandardItemModel):
                    model.item(number).setEnabled(False)
            present = chosen(self._offers, snapshot.reference)
            self.box.setCurrentIndex(self._offers.index(present) if present else 0)

    def _show_affine(self, snapshot: Snapshot) -> None:
        reference = snapshot.reference
        with QSignalBlocker(self.affine):
            self.affine.setChecked(reference is not None and reference.affine)
        self.affine.setVisible(reference is not None)

    @Slot(int)
    def _on_offer(self, index: int) -> None:
        offer = self._offers[index]
        self.said.emit("")
        self._jobs.cancel(CHANNEL)
        if offer.kind == "none":
            self._session.clear_reference()
        elif offer.kind == "file":
            self._open_reference()
        elif offer.kind == "frames":
            self._average()
        elif offer.kind == "truth" and offer.stack is not None:
            self._session.set_reference("truth", offer.label, offer.stack)
        self._show_offers(self._session.snapshot)

    def _open_reference(self) -> None:
        path = self.ask_open()
        if not path:
            return

        def work(_: Job) -> Stack:
            from core.files import open_stack

            return open_stack(Path(path))

        def done(stack: Stack) -> None:
            self._session.set_reference("file", stack.meta.name, stack)

        self._jobs.start("Opening the reference", work, done=done, end=self._on_end, channel=CHANNEL)

    def _average(self) -> None:
        source = self._session.snapshot.source
        if source is None:
            return

        def work(job: Job) -> Stack:
            from core.quality.stacks import mean_of_frames

            return mean_of_frames(source.stack, job.context)

        def done(stack: Stack) -> None:
            frames = source.stack.sizes["T"]
            self._session.set_reference("frames", f"Mean of the {frames} frames", stack)

        self._jobs.start("Averaging the frames", work, done=done, end=self._on_end, channel=CHANNEL)

    def _on_end(self, outcome: Outcome) -> None:
        self.said.emit(failure(outcome, "Reading the reference"))
        self._show_offers(self._session.snapshot)

    @Slot(bool)
    def _on_affine(self, checked: bool) -> None:
        self._session.set_affine(affine=checked)

    def _ask_open(self) -> str:
        folder = self._session.snapshot.folder
        return QFileDialog.getOpenFileName(self, "Open reference", folder, file_kinds.images())[0]
