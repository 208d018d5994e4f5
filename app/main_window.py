"""The one window: panels around the image, and what connects them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt, QUrl
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app import defects, help_dialogs, preferences, theme
from app.actions import MENUS, PANELS, Actions
from app.axes_strip import AxesStrip
from app.exporting import Export, ExportDialog, Exported, Exporter
from app.jobs import Job, Jobs, Outcome
from app.opening import Opened, Opener
from app.panels.filters import FilterPanel
from app.panels.log import LogPanel
from app.panels.metrics import MetricsPanel
from app.panels.results import ResultsPanel
from app.panels.training import TrainingPanel
from app.preferences import Preferences, Scheme
from app.questions import NETWORK, Questions
from app.session import Session, Snapshot
from app.status import StatusBar
from app.strips import MessageStrip, NotesStrip
from app.tasks import Tasks
from app.viewer.contrast import ContrastPanel
from app.viewer.viewer import Hover, StackViewer
from app.welcome import DropOverlay, Welcome

SIZE = (1280, 800)
LEFT, RIGHT, BOTTOM = 210, 330, 190
"""Width of the docks at the left and right, and height of the one below, at the first start."""

STATE_VERSION = 1


class MainWindow(QMainWindow):
    """Quietfield's window, on a document and its jobs."""

    session: Session
    jobs: Jobs
    preferences: Preferences
    opener: Opener
    viewer: StackViewer
    results_panel: ResultsPanel
    filter_panel: FilterPanel
    training_panel: TrainingPanel
    contrast_panel: ContrastPanel
    metrics_panel: MetricsPanel
    log_panel: LogPanel

    def __init__(self, session: Session | None = None, jobs: Jobs | None = None) -> None:
        super().__init__()
        self.setObjectName("main-window")
        self.setWindowTitle("Quietfield")
        self.setAcceptDrops(True)
        self.session = session or Session(self)
        self.jobs = jobs or Jobs(self)
        self.preferences = preferences.load()
        self.questions = Questions(self)
        self.device = ""
        self.opener = Opener(self.session, self.jobs, self)
        self.exporter = Exporter(self.jobs, self)
        self.tasks = Tasks(self.session, self.jobs, self)
        self._build_panels()
        self._build_docks()
        self._build_centre()
        self.actions_ = Actions(self)
        self._build_menus()
        self._build_toolbar()
        self._overlay = DropOverlay(self)
        self._connect()
        self.resize(*SIZE)
        self._default_state = self.saveState(STATE_VERSION)
        self._restore()
        self._show_document()

    # -- building -----------------------------------------------------------------------------

    def _build_panels(self) -> None:
        session, jobs = self.session, self.jobs
        self.viewer = StackViewer(session, jobs)
        self.results_panel = ResultsPanel(session)
        self.filter_panel = FilterPanel(session, jobs)
        self.training_panel = TrainingPanel(session, jobs)
        self.contrast_panel = ContrastPanel(session, jobs)
        self.metrics_panel = MetricsPanel(session, jobs)
        self.log_panel = LogPanel()
        self.status = StatusBar(jobs)
        self.setStatusBar(self.status)

    def _build_docks(self) -> None:
        area = Qt.DockWidgetArea
        self.setCorner(Qt.Corner.BottomRightCorner, area.RightDockWidgetArea)
        self.tool_tabs = _tabs("tool-tabs", {"Filters": self.filter_panel, "Train": self.training_panel})
        self.lower_tabs = _tabs("lower-tabs", {"Metrics": self.metrics_panel, "Log": self.log_panel})
        tools = QSplitter(Qt.Orientation.Vertical)
        tools.setObjectName("tools")
        tools.setChildrenCollapsible(False)
        tools.addWidget(self.tool_tabs)
        tools.addWidget(self.contrast_panel)
        tools.setStretchFactor(0, 1)
        tools.setStretchFactor(1, 0)
        self.docks = {
            "Results": self._dock("Results", self.results_panel, area.LeftDockWidgetArea),
            "Tools": self._dock("Tools", tools, area.RightDockWidgetArea),
            "Measurements": self._dock("Measurements", self.lower_tabs, area.BottomDockWidgetArea),
        }
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self.resizeDocks([self.docks["Results"], self.docks["Tools"]], [LEFT, RIGHT], across)
        self.resizeDocks([self.docks["Measurements"]], [BOTTOM], down)

    def _dock(self, title: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock-{title}")
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget(dock))  # the content says itself what it is
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock

    def _build_centre(self) -> None:
        self.message = MessageStrip()
        self.axes_strip = AxesStrip(self.session, self.opener.set_axis)
        self.notes = NotesStrip()
        self.welcome = Welcome()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.viewer)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for strip in (self.message, self.axes_strip, self.notes):
            column.addWidget(strip)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(centre)

    def _build_menus(self) -> None:
        self._recent_menu: QMenu | None = None
        for title, items in MENUS.items():
            menu = self.menuBar().addMenu(title)
            menu.setObjectName(f"menu-{title.replace('&', '')}")
            self.actions_.fill_menu(menu, items, self._fill_special)

    def _fill_special(self, menu: QMenu, name: str) -> None:
        if name == PANELS:
            for title, dock in self.docks.items():
                toggle = dock.toggleViewAction()
                toggle.setToolTip(f"Show or hide the {title.lower()} panel")
                menu.addAction(toggle)
        else:
            self._recent_menu = menu
            self._fill_recent()

    def _fill_recent(self) -> None:
        menu = self._recent_menu
        if menu is None:
            return
        menu.clear()
        for text in self.preferences.recent:
            action = menu.addAction(menu.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, 480))
            action.setToolTip(text)
            action.setData(text)
            action.triggered.connect(self._on_recent)
        menu.setEnabled(bool(self.preferences.recent))

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
        self.device_label.setToolTip("What networks are trained and run on")
        self.device_label.setContentsMargins(8, 0, 4, 0)
        bar.addWidget(self.device_label)
        self.addToolBar(bar)
        self.toolbar = bar

    def _connect(self) -> None:
        self.session.changed.connect(self._on_changed)
        self.jobs.failed.connect(self._on_failed)
        self.opener.opened.connect(self._on_opened)
        self.exporter.exported.connect(self._on_exported)
        self.tasks.said.connect(self._on_said)
        self.tasks.described.connect(self._on_described)
        self.viewer.hovered.connect(self._on_hovered)
        self.welcome.open_wanted.connect(self.choose_files)
        self.welcome.sample_wanted.connect(self.opener.open_sample)
        self.notes.series_chosen.connect(self.opener.open_series)
        self.results_panel.export_wanted.connect(self.export)
        self.results_panel.recipe_wanted.connect(self.tasks.copy_recipe)
        self.results_panel.step_wanted.connect(self.opener.step)

    # -- following the document ---------------------------------------------------------------

    def _on_changed(self, new: Snapshot, old: Snapshot) -> None:
        self.actions_.refresh()
        if new.source is not old.source:
            self._show_document()
        elif len(new.results) > len(old.results):
            for result in new.results[len(old.results) :]:
                self.log(f"{result.label}: {result.details} ({result.seconds:.1f} s)")
        elif len(new.results) < len(old.results):
            self.log("Undone: " + ", ".join(r.label for r in old.results[len(new.results) :]))

    def _show_document(self) -> None:
        source = self.session.snapshot.source
        self.pages.setCurrentWidget(self.viewer if source else self.welcome)
        self.setWindowTitle(f"{source.stack.meta.name} – Quietfield" if source else "Quietfield")
        self.notes.show_notes(source.stack.meta.notes if source else ())
        self.status.readout.clear()

    def _on_opened(self, opened: Opened) -> None:
        self.message.hide()
        meta = opened.stack.meta
        self.notes.show_notes(meta.notes, opened.series, opened.series_index)
        sizes = " × ".join(f"{n} {a}" for a, n in opened.stack.sizes.items())
        self.log(f"Opened {meta.path or meta.name}: {sizes}, {opened.stack.dtype.name}, {meta.format}")
        for note in meta.notes:
            self.log(f"{meta.name}: {note}")
        path = opened.stack.meta.path
        if opened.files and path is not None:
            self.remember(self.preferences.opened(path))
            self._fill_recent()

    def first_axis(self) -> str:
        """Letter of the stack's first axis, or "" without a stack."""
        source = self.session.snapshot.source
        return source.stack.axes[0] if source else ""

    def _on_hovered(self, hover: Hover | None) -> None:
        self.status.readout.setText(readout(hover) if hover is not None else "")

    # -- messages -----------------------------------------------------------------------------

    def log(self, text: str) -> None:
        """Write a line into the Log panel and the log file."""
        self.log_panel.append(text)
        defects.note(text)

    def _on_said(self, text: str) -> None:
        self.message.show_message(text, "success")
        self.log(text)

    def _on_described(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.message.show_message(f"{words} is on the clipboard.", "success")

    def _on_failed(self, label: str, outcome: Outcome) -> None:
        if outcome.report:
            self.show_defect(f"While: {label}\n{outcome.report}")
        else:
            self.show_problem(str(outcome.error))

    def show_problem(self, text: str) -> None:
        """Show a sentence on what went wrong and what to do."""
        self.message.show_message(text, "problem")
        self.log(text)

    def show_defect(self, error: str) -> None:
        """Show that the program met a defect, with a report for its developers."""
        self.log(error.rstrip())
        if self.findChild(defects.DefectDialog) is not None:  # one window is enough; all is in the log
            return
        text = defects.report(error, self.device, self.log_panel.lines(defects.LOG_LINES))
        defects.DefectDialog(text, self).show()

    # -- what actions do ----------------------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders."""
        self.opener.open([Path(p) for p in paths])

    def choose_files(self) -> None:
        """Ask for files and open them."""
        self.opener.open(self.questions.files(self.preferences.folder))

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        folder = self.questions.folder(self.preferences.folder)
        if folder is not None:
            self.opener.open([folder])

    def _on_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.opener.open([Path(action.data())])

    def choose_recipe(self) -> None:
        """Ask for a recipe and run it."""
        path = self.questions.recipe(self.preferences.folder)
        if path is not None:
            self.tasks.run_recipe(path)

    def choose_network(self) -> None:
        """Ask for a trained network and apply it."""
        path = self.questions.network(self.preferences.folder)
        if path is not None:
            self.tasks.apply_network(path)

    def save_network(self) -> None:
        """Ask for a name and save the network that made the shown result."""
        model, result = self.tasks.shown_model(), self.session.snapshot.result
        if model is None or result is None or result.step is None or result.step.model is None:
            return
        proposed = Path(self.preferences.folder) / result.step.model.file
        path = self.questions.save("Save Trained Network", proposed, NETWORK)
        if path is not None:
            self.tasks.save_network(path, model)

    def export(self, key: int | None = None) -> None:
        """Ask how to export a result, by default the shown one, and do it."""
        snapshot = self.session.snapshot
        if len(snapshot.results) < 2:
            return
        wanted = snapshot.find(key) if key is not None else snapshot.result
        if wanted is None or wanted.step is None:
            wanted = snapshot.results[-1]
        dialog = ExportDialog(self.session, wanted.key, self.preferences, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(self._on_export_wanted)
        dialog.open()

    def _on_export_wanted(self, wanted: Export, dialog: ExportDialog | None = None) -> None:
        dialog = dialog or self.findChild(ExportDialog)
        if dialog is not None:
            self.remember(dialog.remember(self.preferences))
        self.exporter.start(wanted)

    def _on_exported(self, exported: Exported) -> None:
        folder = exported.path.parent
        self.message.show_message(
            exported.message, "success", "Show in Folder", lambda: self.show_folder(folder)
        )
        self.log(exported.message)

    def show_folder(self, folder: Path) -> None:
        """Show a folder in the file manager of the system."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def export_metrics(self) -> None:
        """Save the table of metrics."""
        self.go_to(self.metrics_panel)
        self.metrics_panel.export_csv()

    def copy_recipe(self) -> None:
        """Copy the recipe of the shown result."""
        self.tasks.copy_recipe(self.session.snapshot.shown)

    def copy_methods(self) -> None:
        """Copy a paragraph on the shown result."""
        self.tasks.copy_methods(self.session.snapshot.shown)

    def go_to(self, panel: QWidget) -> None:
        """Bring a panel to the front and give it the keyboard."""
        for dock in self.docks.values():
            if dock.isAncestorOf(panel):
                dock.show()
        for tabs in (self.tool_tabs, self.lower_tabs):
            for index in range(tabs.count()):
                page = tabs.widget(index)
                if page is not None and (page is panel or page.isAncestorOf(panel)):
                    tabs.setCurrentIndex(index)
        first = panel.nextInFocusChain()
        if first is not None and panel.isAncestorOf(first):
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def reset_panels(self) -> None:
        """Put all panels back in their places."""
        self.restoreState(self._default_state, STATE_VERSION)

    def set_theme(self, scheme: Scheme) -> None:
        """Choose the colours of the window."""
        self.remember(replace(self.preferences, theme=scheme))
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply_theme(app, scheme)

    def show_keys(self) -> None:
        """List all keys."""
        help_dialogs.keys_dialog(self).show()

    def show_about(self) -> None:
        """Tell versions and licences."""
        help_dialogs.about_dialog(self, self.device).show()

    def copy_report(self) -> None:
        """Copy what developers need to know."""
        text = defects.report("", self.device, self.log_panel.lines(defects.LOG_LINES))
        self._on_described(text, "The report")

    def leave(self) -> None:
        """Close the window; it asks first if something runs."""
        self.close()

    # -- device -------------------------------------------------------------------------------

    def look_for_devices(self) -> None:
        """Load what networks need, behind the window, and tell what they will run on."""
        self.jobs.start("Looking for devices", _best_device, done=self._on_device, quiet=True)

    def _on_device(self, words: str) -> None:
        self.device = words
        self.device_label.setText(words)

    # -- dropping -----------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show what a drop will do."""
        paths = _paths(event)
        if paths:
            self._overlay.cover(_drop_words(paths))
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if _paths(event):
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: ARG002
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self._overlay.hide()
        paths = _paths(event)
        if paths:
            event.acceptProposedAction()
            self.opener.open(paths)

    # -- remembering and closing --------------------------------------------------------------

    def remember(self, changed: Preferences) -> None:
        """Keep preferences for the next start."""
        if changed != self.preferences:
            self.preferences = changed
            preferences.save(changed)

    def _restore(self) -> None:
        geometry = QByteArray.fromBase64(self.preferences.geometry.encode())
        state = QByteArray.fromBase64(self.preferences.state.encode())
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        if not state.isEmpty():
            self.restoreState(state, STATE_VERSION)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask once if something runs; then end everything."""
        running = [job.label for job in self.jobs.busy]
        if running and not self.questions.close(running):
            event.ignore()
            return
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        state = bytes(self.saveState(STATE_VERSION).toBase64().data()).decode()
        self.remember(replace(self.preferences, geometry=geometry, state=state))
        self.jobs.shut_down()
        event.accept()


def _tabs(name: str, pages: dict[str, QWidget]) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setObjectName(name)
    tabs.setDocumentMode(True)
    for title, page in pages.items():
        tabs.addTab(page, title)
    return tabs


def readout(hover: Hover) -> str:
    """Words for the pixel under the pointer."""
    place = f" ({hover.position})" if hover.position else ""
    words = f"x {hover.x}  y {hover.y}{place}"
    if hover.raw is not None:
        words += f"    raw {hover.raw:.6g}"
    if hover.shown is not None:
        words += f" → {hover.shown:.6g}" + (f"  {hover.label}" if hover.label else "")
    return words


def _paths(event: QDropEvent) -> list[Path]:
    mime = event.mimeData()
    return [Path(u.toLocalFile()) for u in mime.urls() if u.isLocalFile()] if mime.hasUrls() else []


def _drop_words(paths: Sequence[Path]) -> str:
    if len(paths) > 1:
        return f"Drop to open {len(paths)} files"
    return f"Drop to open {paths[0].name}"


def _best_device(job: Job) -> str:  # noqa: ARG001
    """Name the best processor; this loads torch."""
    import torch

    from core.learning.device import devices

    best = devices()[0]
    if best.name != "cpu":
        return best.label
    threads = torch.get_num_threads()
    return f"CPU · {threads} thread{'s' if threads > 1 else ''}"
