"""Everything the window can do, as data: the commands, and which stand in menus and toolbar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.documents.opening import SAMPLE_HELP, SAMPLES
from app.preferences import SCHEMES
from app.snapshot import Snapshot
from app.view_state import LAYOUTS, LUTS
from app.viewer.luts import FROM_FILE
from app.window.reasons import (
    always,
    needs_axis,
    needs_film,
    needs_measures,
    needs_network,
    needs_next_file,
    needs_own_table,
    needs_planes,
    needs_previous_file,
    needs_redo,
    needs_result,
    needs_shown_result,
    needs_stack,
    needs_undo,
)
from core.paths import MODEL_ENDING

if TYPE_CHECKING:
    from app.main_window import MainWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing the window can do.

    Attributes
    ----------
    id : str
        Name of the action.
    text : str
        What menus call it.
    run : callable
        Does it.
    help : str
        Tooltip.
    keys : tuple of str
        Shortcuts, the first of which is shown.
    icon : str
        Name of an icon; one with an icon and no `short` stands in the toolbar without words.
    short : str
        Words on the toolbar.
    why_not : callable
        Reason why it cannot be done now, or "".
    on : callable or None
        Whether it is switched on, for what can be switched.
    group : str
        Of several with the same word, one is on.
    """

    id: str
    text: str
    run: Callable[[MainWindow], None]
    help: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    short: str = ""
    why_not: Callable[[Snapshot], str] = always
    on: Callable[[MainWindow], bool] | None = None
    group: str = ""


def _layout_commands() -> tuple[Command, ...]:
    help = {
        "single": "Show the result alone; hold R for the source",
        "split": "Show source and result side by side",
        "curtain": "Show source and result in one image, with a curtain to drag between them",
        "difference": "Show the source, and what was taken out of it",
    }
    return tuple(
        Command(
            id=f"layout-{name}", text=label, short=label, help=help[name], keys=(f"F{5 + number}",),
            icon=name,
            run=lambda w, name=name: w.session.set_layout(name),  # type: ignore[misc]
            on=lambda w, name=name: w.session.snapshot.layout == name,  # type: ignore[misc]
            group="layout",
        )
        for number, (name, label) in enumerate(LAYOUTS.items())
    )  # fmt: skip


def _choices() -> tuple[Command, ...]:
    samples = (
        Command(
            id=f"sample-{name}", text=label, icon="sample", help=SAMPLE_HELP[name],
            run=lambda w, name=name: w.opener.open_sample(name),  # type: ignore[misc]
        )
        for name, label in SAMPLES.items()
    )  # fmt: skip
    tables = (
        Command(
            id=f"lut-{name}", text=name, help=f"Show intensities with the look-up table {name}",
            run=lambda w, name=name: w.session.set_lut(name),  # type: ignore[misc]
            on=lambda w, name=name: w.session.snapshot.lut == name,  # type: ignore[misc]
            group="lut", why_not=needs_own_table if name == FROM_FILE else needs_stack,
        )
        for name in (*LUTS, FROM_FILE)
    )  # fmt: skip
    axes = (
        Command(
            id=f"axis-{letter}", text=label, why_not=needs_axis(letter), group="axis",
            help=f"Take the first axis of the stack for {label.lower()}; results are discarded",
            run=lambda w, letter=letter: w.opener.set_axis(letter),  # type: ignore[misc]
            on=lambda w, letter=letter: w.first_axis() == letter,  # type: ignore[misc]
        )
        for letter, label in (("T", "Time"), ("Z", "Depth (Z)"), ("C", "Channels"))
    )  # fmt: skip
    themes = (
        Command(
            id=f"theme-{name}", text=name.capitalize(), group="theme",
            help="Light or dark as the system is" if name == "system" else f"Use {name} colours",
            run=lambda w, name=name: w.set_theme(name),  # type: ignore[misc]
            on=lambda w, name=name: w.preferences.theme == name,  # type: ignore[misc]
        )
        for name in SCHEMES
    )  # fmt: skip
    return (*samples, *tables, *axes, *themes)


COMMANDS: tuple[Command, ...] = (
    Command(
        id="open", text="Open…", short="Open", icon="open", keys=("Ctrl+O",),
        help="Open one or more TIFF files; several become a list to step through",
        run=lambda w: w.dialogs.choose_files(),
    ),
    Command(
        id="simulate", text="Simulate…", icon="noise",
        help="Make a noisy stack of a specimen of your choice, with the truth to measure against",
        run=lambda w: w.dialogs.simulate(),
    ),
    Command(
        id="open-folder", text="Open Folder…", icon="folder", keys=("Ctrl+Shift+O",),
        help="Open a folder of single planes as one stack, or a folder of stacks as a list",
        run=lambda w: w.dialogs.choose_folder(),
    ),
    Command(
        id="file-next", text="Next File", icon="next", keys=("Ctrl+PgDown", "Shift+O"),
        help="Open the next file of the list", why_not=needs_next_file, run=lambda w: w.opener.step(1),
    ),
    Command(
        id="file-previous", text="Previous File", icon="previous", keys=("Ctrl+PgUp",),
        help="Open the previous file of the list", why_not=needs_previous_file,
        run=lambda w: w.opener.step(-1),
    ),
    Command(
        id="export", text="Export…", short="Export", icon="export", keys=("Ctrl+S",),
        help="Save a result as a TIFF file, beside the source and never over it",
        why_not=needs_result, run=lambda w: w.dialogs.export(),
    ),
    Command(
        id="export-metrics", text="Export Metrics…", icon="csv", help="Save the table of metrics as CSV",
        why_not=needs_measures, run=lambda w: w.dialogs.export_metrics(),
    ),
    Command(
        id="quit", text="Quit", keys=("Ctrl+Q",), help="Close the window", run=lambda w: w.leave(),
    ),
    Command(
        id="undo", text="Undo", icon="undo", keys=("Ctrl+Z",), help="Take back the last result",
        why_not=needs_undo, run=lambda w: w.session.undo(),
    ),
    Command(
        id="redo", text="Redo", icon="redo", keys=("Ctrl+Y", "Ctrl+Shift+Z"),
        help="Bring back the result that was undone", why_not=needs_redo, run=lambda w: w.session.redo(),
    ),
    Command(
        id="copy-recipe", text="Copy Recipe", icon="copy", why_not=needs_shown_result,
        help="Copy the steps that led to the shown result, as JSON that runs again here or elsewhere",
        run=lambda w: w.dialogs.copy_recipe(),
    ),
    Command(
        id="copy-methods", text="Copy Methods Text", icon="copy", why_not=needs_shown_result,
        help="Copy a paragraph for a paper: steps, parameters and software versions of the shown result",
        run=lambda w: w.dialogs.copy_methods(),
    ),
    Command(
        id="auto", text="Auto Contrast", short="Auto", icon="auto", keys=("Shift+A",), why_not=needs_stack,
        help="Fit the contrast to the visible part; pressing again saturates more",
        run=lambda w: w.viewer.auto_levels(),
    ),
    Command(
        id="contrast", text="Brightness and Contrast", keys=("Shift+C",), why_not=needs_stack,
        help="Go to the histogram with its handles", run=lambda w: w.arrangement.go_to(w.contrast_panel),
    ),
    Command(
        id="plane-next", text="Next Plane", keys=(">", "."), why_not=needs_planes,
        help="Show the next plane along the axis used last", run=lambda w: w.viewer.step(1),
    ),
    Command(
        id="plane-previous", text="Previous Plane", keys=("<", ","), why_not=needs_planes,
        help="Show the previous plane along the axis used last", run=lambda w: w.viewer.step(-1),
    ),
    Command(
        id="play", text="Play or Stop", icon="play", keys=("\\",), why_not=needs_film,
        help="Play along time or depth, or stop playing", run=lambda w: w.viewer.toggle_play(),
    ),
    Command(
        id="show-filters", text="Filters", icon="filter", keys=("Ctrl+1",),
        help="Choose a filter or simulate noise, with live preview",
        run=lambda w: w.arrangement.go_to(w.filter_panel),
    ),
    Command(
        id="live-preview", text="Live Preview",
        help="Preview the chosen method by itself, from the moment a stack is open",
        run=lambda w: w.filter_panel.preview.toggle(), on=lambda w: w.filter_panel.preview.isChecked(),
    ),
    Command(
        id="run-recipe", text="Run Recipe…", icon="play", why_not=needs_stack,
        help="Do the steps of a recipe (.json, or a stack that Quietfield exported) to the open stack",
        run=lambda w: w.dialogs.choose_recipe(),
    ),
    Command(
        id="show-train", text="Train a Network", icon="train", keys=("Ctrl+2",),
        help="Train a network on the open stack itself", run=lambda w: w.arrangement.go_to(w.training_panel),
    ),
    Command(
        id="apply-network", text="Apply Trained Network…", icon="network", why_not=needs_stack,
        help=f"Denoise the open stack with a network that was trained before ({MODEL_ENDING})",
        run=lambda w: w.dialogs.choose_network(),
    ),
    Command(
        id="save-network", text="Save Trained Network…", icon="export", why_not=needs_network,
        help="Save the network that made the shown result", run=lambda w: w.dialogs.save_network(),
    ),
    Command(
        id="compare-filters", text="Compare Classic Filters", icon="filter", why_not=needs_stack,
        help="Run every classic filter with its default parameters, as rows of the table of metrics",
        run=lambda w: w.dialogs.compare_filters(),
    ),
    Command(
        id="show-metrics", text="Metrics", icon="metrics", keys=("Ctrl+3",),
        help="Measure results against a reference", run=lambda w: w.arrangement.go_to(w.metrics_panel),
    ),
    *_layout_commands(),
    Command(
        id="expected-error", text="Expected Error", keys=("E",), why_not=needs_stack,
        help="Show beside Instant the error it expects of every pixel, in counts",
        run=lambda w: w.toggle_expected_error(), on=lambda w: w.filter_panel.is_on("instant", "uncertainty"),
    ),
    Command(
        id="zoom-in", text="Zoom In", icon="zoom-in", keys=("+", "=", "Ctrl++", "Ctrl+="),
        help="Magnify the view", why_not=needs_stack, run=lambda w: w.viewer.zoom(1.25),
    ),
    Command(
        id="zoom-out", text="Zoom Out", icon="zoom-out", keys=("-", "Ctrl+-"), why_not=needs_stack,
        help="Shrink the view", run=lambda w: w.viewer.zoom(0.8),
    ),
    Command(
        id="fit", text="Fit to Window", short="Fit", icon="fit", keys=("4", "Ctrl+0"), why_not=needs_stack,
        help="Show the whole plane", run=lambda w: w.viewer.fit(),
    ),
    Command(
        id="actual-size", text="Actual Size", short="1:1", keys=("5",),
        help="Show one pixel of the image as one pixel of the screen", why_not=needs_stack,
        run=lambda w: w.viewer.actual_size(),
    ),
    Command(
        id="reset-panels", text="Reset Panels", icon="reset", help="Put all panels back in their places",
        run=lambda w: w.arrangement.reset(),
    ),
    Command(
        id="help", text="Help", icon="help", keys=("F1",),
        help="Explain the part of the window that has the keyboard", run=lambda w: w.show_help(),
    ),
    Command(
        id="keys", text="Keyboard Shortcuts", keys=("Shift+F1",), help="List all keys",
        run=lambda w: w.show_keys(),
    ),
    Command(
        id="show-log", text="Log", icon="log", keys=("Ctrl+4",),
        help="Read what was done and what went wrong",
        run=lambda w: w.arrangement.go_to(w.log_panel),
    ),
    Command(
        id="copy-report", text="Copy Report", icon="copy",
        help="Copy versions, system, device and the last log lines, to report a problem",
        run=lambda w: w.announcer.copy_report(),
    ),
    Command(
        id="about", text="About Quietfield", icon="info", help="Versions and licences",
        run=lambda w: w.show_about(),
    ),
    *_choices(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Submenu:
    """A menu in a menu: items, or the name of one that the window fills."""

    title: str
    items: tuple[str, ...]
    icon: str = ""


Item = str | Submenu
SEPARATOR = "-"
RECENT, PANELS = "@recent", "@panels"
"""Places for what changes while the program runs: recent files, and switches for the panels."""

_TABLES = tuple(f"lut-{name}" for name in (*LUTS, FROM_FILE))
_SAMPLE_IDS = tuple(f"sample-{n}" for n in SAMPLES)
_LAYOUT_IDS = tuple(f"layout-{name}" for name in LAYOUTS)

MENUS: Mapping[str, tuple[Item, ...]] = {
    "&File": (
        "open", "open-folder", Submenu("Open Recent", (RECENT,)),
        Submenu("Sample", _SAMPLE_IDS, "sample"), "simulate", SEPARATOR,
        "file-next", "file-previous", SEPARATOR, "export", "export-metrics", SEPARATOR, "quit",
    ),
    "&Edit": ("undo", "redo", SEPARATOR, "copy-recipe", "copy-methods"),
    "&Image": (
        "auto", "contrast", Submenu("Look-up Table", _TABLES, "lut"),
        Submenu("Axes", ("axis-T", "axis-Z", "axis-C")), SEPARATOR,
        "plane-next", "plane-previous", "play",
    ),
    "&Process": ("show-filters", "live-preview", SEPARATOR, "run-recipe"),
    "&Train": ("show-train", SEPARATOR, "apply-network", "save-network"),
    "&Measure": ("show-metrics", "compare-filters", "export-metrics"),
    "&View": (
        *_LAYOUT_IDS, "expected-error", SEPARATOR, "zoom-in", "zoom-out", "fit", "actual-size", SEPARATOR,
        Submenu("Panels", (PANELS,)), "reset-panels", Submenu("Theme", tuple(f"theme-{n}" for n in SCHEMES)),
    ),
    "&Help": ("help", "keys", "show-log", SEPARATOR, "copy-report", "about"),
}  # fmt: skip

TOOLBAR: tuple[Item, ...] = (
    "open", Submenu("Sample", (*_SAMPLE_IDS, "simulate"), "sample"), "export", SEPARATOR,
    "undo", "redo", SEPARATOR, *_LAYOUT_IDS, SEPARATOR, "auto", "fit", "actual-size",
    Submenu("LUT", _TABLES, "lut"),
)  # fmt: skip
