"""What the commands of the window act on."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from app.documents.opening import Opener
from app.documents.tasks import Tasks
from app.panels.filters import FilterPanel
from app.panels.log import LogPanel
from app.panels.metrics import MetricsPanel
from app.panels.training import TrainingPanel
from app.shell.preferences import PreferenceStore
from app.shell.session import Session
from app.viewer.contrast import ContrastPanel
from app.viewer.viewer import StackViewer
from app.window.announcer import Announcer
from app.window.arrangement import Arrangement
from app.window.dialogs import Dialogs
from app.window.help import Help


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Services:
    """The parts of the program that commands act on.

    Attributes
    ----------
    window : QWidget
        The main window: owner of the actions; closing it ends the program.
    session : Session
        The open document.
    preferences : PreferenceStore
        Choices of the person that outlive the window.
    opener : Opener
        Opens files, folders and samples.
    tasks : Tasks
        Runs recipes and trained networks, and describes results.
    dialogs : Dialogs
        Asks for a file or for options, then hands on the work.
    viewer : StackViewer
        The image.
    filters, training, contrast, metrics, log : QWidget
        The panels.
    arrangement : Arrangement
        Where the panels stand.
    announcer : Announcer
        Messages, the log, the report.
    help : Help
        Help pages, keys, versions.
    """

    window: QWidget
    session: Session
    preferences: PreferenceStore
    opener: Opener
    tasks: Tasks
    dialogs: Dialogs
    viewer: StackViewer
    filters: FilterPanel
    training: TrainingPanel
    contrast: ContrastPanel
    metrics: MetricsPanel
    log: LogPanel
    arrangement: Arrangement
    announcer: Announcer
    help: Help
