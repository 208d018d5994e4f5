"""The main window: panels around the image, and their connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
)
from PySide6.QtWidgets import (
    QLabel,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.documents.calibrating import Calibrator
from app.documents.exporting import Exporter
from app.documents.opening import Opened, Opener
from app.documents.reporting import Reporter
from app.documents.tasks import Tasks
from app.panels.compare import ComparePanel
from app.panels.compare.exhibits import exhibits
from app.panels.compare.words import legend
from app.panels.details import DetailsPanel
from app.panels.filters import FilterPanel
from app.panels.log import LogPanel
from app.panels.metrics import MetricsPanel
from app.panels.noise import NoisePanel
from app.panels.results import ResultsPanel
from app.panels.training import TrainingPanel
from app.shell import preload
from app.shell.jobs import Jobs
from app.shell.preferences import PreferenceStore
from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.viewer.canvas import Canvas
from app.viewer.contrast import ContrastPanel
from app.viewer.sheet import ContactSheet
from app.viewer.viewer import Hover, StackViewer
from app.widgets.common import pass_drops_on
from app.window.actions import Actions
from app.window.announcer import Announcer
from app.window.arrangement import Arrangement, LowPage
from app.window.axes_strip import AxesStrip
from app.window.dialogs import Dialogs
from app.window.help import Help
from app.window.help_pages import PROPERTY
from app.window.leaving import Leaving
from app.window.menus import MENUS, PANELS, keys
from app.window.proposals import Proposals
from app.window.questions import Questions
from app.window.recent import RecentMenu
from app.window.services import Services
from app.window.status import StatusBar, readout
from app.window.strips import MessageStrip, NotesStrip
from app.window.welcome import DropOverlay, Welcome
from core.findings import Proposal


class MainWindow(QMainWindow):
    """Quietfield's window, with a document and its jobs.

    Parameters
    ----------
    questions : Questions, optional
        Asks for files, and whether to close; by default with the dialogs of the system.
    """

    def __init__(self, questions: Questions | None = None) -> None:
        super().__init__()
        self.setObjectName("main-window")
        self.setWindowTitle("Quietfield")
        self.setAcceptDrops(True)
        self.session = Session(self)
        self.jobs = Jobs(self)
        self._questions = questions or Questions(self, self.jobs)
        self.preferences = PreferenceStore(self)
        self.opener = Opener(self.session, self.jobs, self.preferences, self)
        self.exporter = Exporter(self.jobs, self)
        self.tasks = Tasks(self.session, self.jobs, self)
        self.calibrator = Calibrator(self.session, self.jobs, self)
        self.reporter = Reporter(self.jobs, self)
        self._build_panels()
        self._build_centre()
        self.actions_ = Actions(self._services())
        self.leaving = Leaving(self.session, self.dialogs, self._questions, self)
        self.opener.guard = self.leaving.before
        self._build_menus()
        self._build_toolbar()
        self._overlay = DropOverlay(self)
        self._connect()
        pass_drops_on(self)
        self.arrangement.restore(self.preferences.current)
        self._show_document()

    # -- building -----------------------------------------------------------------------------

    def _build_panels(self) -> None:
        session, jobs = self.session, self.jobs
        self.viewer = StackViewer(session, jobs)
        self.results_panel = ResultsPanel(session)
        self.filter_panel = FilterPanel(session, jobs)
        self.filter_panel.preview.setChecked(self.preferences.current.live_preview)
        self.training_panel = TrainingPanel(session, jobs)
        self.noise_panel = NoisePanel(session, jobs)
        self.compare_panel = ComparePanel(session, jobs)
        self.contrast_panel = ContrastPanel(session, jobs)
        self.metrics_panel = MetricsPanel(session, jobs)
        self.details_panel = DetailsPanel(session, jobs)
        self.log_panel = LogPanel()
        for panel, page in (
            (self.viewer, "viewer"), (self.contrast_panel, "viewer"), (self.results_panel, "viewer"),
            (self.filter_panel, "filters"), (self.training_panel, "training"), (self.noise_panel, "noise"),
            (self.compare_panel, "compare"), (self.metrics_panel, "metrics"), (self.details_panel, "metrics"),
            (self.log_panel, "tour"),
        ):  # fmt: skip
            panel.setProperty(PROPERTY, page)
        self.arrangement = Arrangement(
            self,
            results=self.results_panel,
            tools={
                "Filters": self.filter_panel,
                "Train": self.training_panel,
                "Compare": LowPage(self.compare_panel),
                "Noise": self.noise_panel,
            },
            contrast=self.contrast_panel,
            measurements={
                "Metrics": self.metrics_panel,
                "Details": self.details_panel,
                "Log": self.log_panel,
            },
        )
        self.status = StatusBar(jobs)
        self.setStatusBar(self.status)

    def _build_centre(self) -> None:
        self.message = MessageStrip()
        self.announcer = Announcer(self.session, self.message, self.log_panel, self)
        self.axes_strip = AxesStrip(self.session, self.opener.set_axis)
        self.notes = NotesStrip()
        self.welcome = Welcome()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.viewer)
        self.sheet = ContactSheet(self.session)
        self.sheet.setProperty(PROPERTY, "compare")
        self.pages.addWidget(self.sheet)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for strip in (self.message, self.axes_strip, self.notes):
            column.addWidget(strip)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _services(self) -> Services:
        """Return the objects on which commands act."""
        help = Help(self, keys(), lambda: self.announcer.device)
        self.dialogs = Dialogs(
            self,
            session=self.session,
            preferences=self.preferences,
            opener=self.opener,
            exporter=self.exporter,
            tasks=self.tasks,
            calibrator=self.calibrator,
            reporter=self.reporter,
            jobs=self.jobs,
            help=help,
            questions=self._questions,
        )
        return Services(
            window=self,
            session=self.session,
            preferences=self.preferences,
            opener=self.opener,
            tasks=self.tasks,
            dialogs=self.dialogs,
            viewer=self.viewer,
            filters=self.filter_panel,
            training=self.training_panel,
            noise=self.noise_panel,
            compare=self.compare_panel,
            contrast=self.contrast_panel,
            metrics=self.metrics_panel,
            log=self.log_panel,
            arrangement=self.arrangement,
            announcer=self.announcer,
            help=help,
        )

    def _build_menus(self) -> None:
        for title, items in MENUS.items():
            menu = self.menuBar().addMenu(title)
            menu.setObjectName(f"menu-{title.replace('&', '')}")
            self.actions_.fill_menu(menu, items, self._fill_special)

    def _fill_special(self, menu: QMenu, name: str) -> None:
        if name == PANELS:
            menu.addActions(self.arrangement.switches())
        else:
            self.recent = RecentMenu(menu, self.preferences, lambda path: self.opener.open([path]))

    def _build_toolbar(self) -> None:
        bar = QToolBar("Toolbar", self)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.actions_.fill_toolbar(bar)
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(space)
        self.device_label = QLabel()
        self.device_label.setObjectName("device")
        self.device_label.setToolTip("Device on which networks are trained and run")
        self.device_label.setContentsMargins(8, 0, 4, 0)
        bar.addWidget(self.device_label)
        self.addToolBar(bar)
        self.toolbar = bar

    def _connect(self) -> None:
        announcer = self.announcer
        self.filter_panel.preview.toggled.connect(self._on_live_preview)
        self.preferences.changed.connect(self.actions_.refresh)
        self.session.changed.connect(self._on_changed)
        self.session.dropped.connect(announcer.lost)
        self.training_panel.said.connect(announcer.lost)
        self.training_panel.psf.help_wanted.connect(self.dialogs.show_help)
        self.jobs.failed.connect(announcer.failed)
        self.opener.opened.connect(self._on_opened)
        self.exporter.exported.connect(announcer.exported)
        self.exporter.exported.connect(lambda exported: self.session.mark_exported(exported.key))
        self.tasks.said.connect(announcer.say)
        self.tasks.described.connect(announcer.put_on_clipboard)
        self.viewer.hovered.connect(self._on_hovered)
        self.compare_panel.changed.connect(self._show_exhibits)
        self.compare_panel.sheet_wanted.connect(self._on_sheet_wanted)
        self.compare_panel.apply_wanted.connect(self.tasks.apply_entry)
        self.compare_panel.report_wanted.connect(self.dialogs.write_report)
        self.reporter.written.connect(announcer.reported)
        self.sheet.chosen.connect(self._on_exhibit)
        self.sheet.closed.connect(lambda: self._on_sheet_wanted(False))
        self.noise_panel.taken.connect(self._on_proposal)
        self.noise_panel.marked.connect(self.viewer.mark)
        self.noise_panel.camera.chosen.connect(self.calibrator.use)
        self.noise_panel.camera.calibrate_wanted.connect(self.dialogs.calibrate)
        self.calibrator.calibrated.connect(self._on_calibrated)
        self.noise_panel.noise_model_wanted.connect(self._on_noise_model)
        self.training_panel.settings.noise_model.wanted.connect(self._on_noise_model)
        self.dialogs.noise_model_used.connect(self._on_noise_model_used)
        self.welcome.open_wanted.connect(self.dialogs.choose_files)
        self.welcome.sample_wanted.connect(self.opener.open_sample)
        self.notes.series_chosen.connect(self.opener.open_series)
        self.results_panel.export_wanted.connect(self.dialogs.export)
        self.results_panel.recipe_wanted.connect(self.tasks.copy_recipe)
        self.results_panel.step_wanted.connect(self.opener.step)

    # -- following the document ---------------------------------------------------------------

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        self.actions_.refresh()
        if new.source is not old.source:
            self._show_document()
        else:
            self.announcer.changed(new, old)

    def _show_document(self) -> None:
        source = self.session.snapshot.source
        focus, welcomed = self.focusWidget(), self.pages.currentWidget() is self.welcome
        free = focus is None or isinstance(focus, QTabBar) or self.welcome.isAncestorOf(focus)
        self.pages.setCurrentWidget(self.viewer if source else self.welcome)
        if source and welcomed and free:
            self.viewer.findChildren(Canvas)[0].setFocus()  # its keys work at once
        self.setWindowTitle(f"{source.stack.meta.name} – Quietfield" if source else "Quietfield")
        self.notes.show_notes(source.stack.meta.findings if source else ())
        self.status.readout.clear()
        self.announcer.offer_former()

    def _on_opened(self, opened: Opened) -> None:
        self.notes.show_notes(opened.stack.meta.findings, opened.series, opened.series_index)
        self.announcer.opened(opened)
        path = opened.stack.meta.path
        if opened.files and path is not None:
            self.preferences.keep(self.preferences.current.opened(path))

    def _on_hovered(self, hover: Hover | None) -> None:
        self.status.readout.setText(readout(hover) if hover is not None else "")

    def _on_sheet_wanted(self, wanted: bool) -> None:
        """Show the contact sheet instead of the image, once there is a result, or the image again."""
        if self.session.snapshot.source is None:
            return
        found = self.compare_panel.found
        if wanted and found is not None:
            self.pages.setCurrentWidget(self.sheet)
            self.sheet.focus_first()
        elif not wanted and self.pages.currentWidget() is self.sheet:
            self.pages.setCurrentWidget(self.viewer)

    def _show_exhibits(self) -> None:
        panel = self.compare_panel
        if panel.found is not None:
            shown = exhibits(panel.found)
            self.sheet.show_exhibits(
                shown,
                heading=f"Best first. {legend(panel.found)}",
                spacing=panel.found.stack.meta.spacing.get("X"),
                current=panel.current,
            )

    def _on_exhibit(self, key: int) -> None:
        if key >= 0:
            self.compare_panel.choose(key)
        else:
            self._on_sheet_wanted(False)

    def _on_calibrated(self, name: str) -> None:
        self.noise_panel.refresh_cameras()
        self.announcer.say(f"The camera {name} is calibrated. Choose it in the Noise tab for its stacks.")

    def _on_proposal(self, proposal: Proposal) -> None:
        Proposals(
            opener=self.opener, filters=self.filter_panel, training=self.training_panel,
            arrangement=self.arrangement, dialogs=self.dialogs,
        ).take(proposal)  # fmt: skip

    def _on_noise_model(self) -> None:
        self.dialogs.noise_model(self.training_panel.settings.noise_model_text)

    def _on_noise_model_used(self, text: str) -> None:
        self.arrangement.go_to(self.training_panel)
        self.training_panel.settings.use_noise_model(text)

    def _on_live_preview(self, wanted: bool) -> None:
        self.preferences.keep(replace(self.preferences.current, live_preview=wanted))

    # -- start --------------------------------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders."""
        self.opener.open([Path(p) for p in paths])

    def look_for_devices(self) -> None:
        """Load the libraries of networks in the background, and show their device."""
        self.jobs.start(
            "Looking for devices", lambda job: preload.load(job, self.jobs.give_way),
            partial=self._on_device, quiet=True,
        )  # fmt: skip

    def _on_device(self, words: str) -> None:
        self.announcer.device = words
        self.device_label.setText(words)

    # -- dropping -----------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show the effect of a drop."""
        self._overlay.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._overlay.move_over(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: ARG002
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped files."""
        self.opener.open(self._overlay.take(event))

    # -- closing ------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if jobs are running or expensive results were not exported; then end everything."""
        running = [job.label for job in self.jobs.busy]
        if (running and not self._questions.close(running)) or not self.leaving.may_close():
            event.ignore()
            return
        self.preferences.keep(self.arrangement.remember(self.preferences.current))
        self.hide()
        self.jobs.shut_down()
        event.accept()
