"""The objects on which the commands of the window act."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from app.documents.opening import Opener
from app.documents.tasks import Tasks
from app.panels.compare import ComparePanel
from app.panels.filters import FilterPanel
from app.panels.log import LogPanel
from app.panels.metrics import MetricsPanel
from app.panels.noise import NoisePanel
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
    """The parts of the program on which commands act.

    Attributes
    ----------
    window : QWidget
        Main window, parent of the actions; closing it ends the program.
    session : Session
        Open document.
    preferences : PreferenceStore
        Settings that are kept between starts.
    opener : Opener
        Opens files, folders and samples.
    tasks : Tasks
        Runs recipes and trained networks, and describes results.
    dialogs : Dialogs
        Asks for files or options, and passes them on.
    viewer : StackViewer
        Image.
    filters, training, noise, compare, contrast, metrics, log : QWidget
        Panels.
    arrangement : Arrangement
        Positions of the panels.
    announcer : Announcer
        Messages, log and report.
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
    noise: NoisePanel
    compare: ComparePanel
    contrast: ContrastPanel
    metrics: MetricsPanel
    log: LogPanel
    arrangement: Arrangement
    announcer: Announcer
    help: Help
