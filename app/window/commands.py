"""All commands of the window, as data."""

from __future__ import annotations

from app.window.choices import choices, layouts, studies
from app.window.command import Command
from app.window.reasons import (
    needs_film,
    needs_measures,
    needs_network,
    needs_next_file,
    needs_planes,
    needs_previous_file,
    needs_redo,
    needs_result,
    needs_shown_result,
    needs_stack,
    needs_undo,
)
from app.window.services import Services
from core.paths import MODEL_ENDING


def _toggle_expected_error(services: Services) -> None:
    """Toggle the preview of the error predicted by Instant."""
    services.arrangement.go_to(services.filters)
    services.filters.toggle("instant", "uncertainty")
    if services.filters.is_on("instant", "uncertainty"):
        services.session.set_layout("split")


def _compare_filters(services: Services) -> None:
    """Run all classic filters, and show the table of metrics."""
    services.arrangement.go_to(services.metrics)
    services.metrics.comparing.start()


def _export_metrics(services: Services) -> None:
    services.arrangement.go_to(services.metrics)
    services.metrics.export_csv()


COMMANDS: tuple[Command, ...] = (
    Command(
        id="open", text="Open…", short="Open", icon="open", keys=("Ctrl+O",),
        help="Open one or more image files; several files become a list",
        run=lambda s: s.dialogs.choose_files(),
    ),
    Command(
        id="simulate", text="Simulate…", icon="noise",
        help="Simulate a noisy stack of a specimen, with its ground truth as reference",
        run=lambda s: s.dialogs.simulate(),
    ),
    Command(
        id="open-folder", text="Open Folder…", icon="folder", keys=("Ctrl+Shift+O",),
        help="Open a folder of single planes as one stack, or a folder of stacks as a list",
        run=lambda s: s.dialogs.choose_folder(),
    ),
    Command(
        id="file-next", text="Next File", icon="next", keys=("Ctrl+PgDown", "Shift+O"),
        help="Open the next file of the list", why_not=needs_next_file, run=lambda s: s.opener.step(1),
    ),
    Command(
        id="file-previous", text="Previous File", icon="previous", keys=("Ctrl+PgUp",),
        help="Open the previous file of the list", why_not=needs_previous_file,
        run=lambda s: s.opener.step(-1),
    ),
    Command(
        id="export", text="Export…", short="Export", icon="export", keys=("Ctrl+S",),
        help="Save a result as TIFF or OME-Zarr beside the source; the source is never overwritten",
        why_not=needs_result, run=lambda s: s.dialogs.export(),
    ),
    Command(
        id="export-metrics", text="Export Metrics…", icon="csv", help="Save the table of metrics as CSV",
        why_not=needs_measures, run=lambda s: _export_metrics(s),
    ),
    Command(
        id="quit", text="Quit", keys=("Ctrl+Q",), help="Close the window", run=lambda s: s.window.close(),
    ),
    Command(
        id="undo", text="Undo", icon="undo", keys=("Ctrl+Z",), help="Remove the last result",
        why_not=needs_undo, run=lambda s: s.session.undo(),
    ),
    Command(
        id="redo", text="Redo", icon="redo", keys=("Ctrl+Y", "Ctrl+Shift+Z"),
        help="Restore the result that was undone", why_not=needs_redo, run=lambda s: s.session.redo(),
    ),
    Command(
        id="copy-recipe", text="Copy Recipe", icon="copy", why_not=needs_shown_result,
        help="Copy the steps of the shown result as JSON, which can be run on other stacks",
        run=lambda s: s.tasks.copy_recipe(s.session.snapshot.shown),
    ),
    Command(
        id="copy-methods", text="Copy Methods Text", icon="copy", why_not=needs_shown_result,
        help="Copy a paragraph for a paper: steps, parameters and software versions of the shown result",
        run=lambda s: s.tasks.copy_methods(s.session.snapshot.shown),
    ),
    Command(
        id="auto", text="Auto Contrast", short="Auto", icon="auto", keys=("Shift+A",), why_not=needs_stack,
        help="Adapt the contrast to the visible region; pressing again saturates more pixels",
        run=lambda s: s.viewer.auto_levels(),
    ),
    Command(
        id="contrast", text="Brightness and Contrast", keys=("Shift+C",), why_not=needs_stack,
        help="Go to the histogram with the contrast levels", run=lambda s: s.arrangement.go_to(s.contrast),
    ),
    Command(
        id="plane-next", text="Next Plane", keys=(">", "."), why_not=needs_planes,
        help="Show the next plane along the axis used last", run=lambda s: s.viewer.step(1),
    ),
    Command(
        id="plane-previous", text="Previous Plane", keys=("<", ","), why_not=needs_planes,
        help="Show the previous plane along the axis used last", run=lambda s: s.viewer.step(-1),
    ),
    Command(
        id="play", text="Play or Stop", icon="play", keys=("\\",), why_not=needs_film,
        help="Start or stop playback along time or depth", run=lambda s: s.viewer.toggle_play(),
    ),
    Command(
        id="show-filters", text="Filters", icon="filter", keys=("Ctrl+1",),
        help="Choose a filter or simulate noise, with live preview",
        run=lambda s: s.arrangement.go_to(s.filters),
    ),
    Command(
        id="live-preview", text="Live Preview",
        help="Preview the chosen method automatically when a stack is open",
        run=lambda s: s.filters.preview.toggle(), on=lambda s: s.filters.preview.isChecked(),
    ),
    Command(
        id="run-recipe", text="Run Recipe…", icon="play", why_not=needs_stack,
        help="Apply the steps of a recipe (.json, or a stack exported by Quietfield) to the open stack",
        run=lambda s: s.dialogs.choose_recipe(),
    ),
    Command(
        id="show-train", text="Train a Network", icon="train", keys=("Ctrl+2",),
        help="Train a network on the open stack itself", run=lambda s: s.arrangement.go_to(s.training),
    ),
    Command(
        id="show-noise", text="Noise", icon="noise", keys=("Ctrl+5",),
        help="Measure the noise of the open stack: camera, correlation, change over time, and what to do",
        run=lambda s: s.arrangement.go_to(s.noise),
    ),
    Command(
        id="show-compare", text="Compare Methods", icon="compare", keys=("Ctrl+6",),
        help="Find out which method is best for the open stack, with or without a reference",
        run=lambda s: s.arrangement.go_to(s.compare),
    ),
    *studies(),
    Command(
        id="apply-network", text="Apply Trained Network…", icon="network", why_not=needs_stack,
        help=f"Denoise the open stack with a trained network ({MODEL_ENDING})",
        run=lambda s: s.dialogs.choose_network(),
    ),
    Command(
        id="save-network", text="Save Trained Network…", icon="export", why_not=needs_network,
        help="Save the network of the shown result", run=lambda s: s.dialogs.save_network(),
    ),
    Command(
        id="compare-filters", text="Compare Classic Filters", icon="filter", why_not=needs_stack,
        help="Run every classic filter with its default parameters, and add rows to the table of metrics",
        run=lambda s: _compare_filters(s),
    ),
    Command(
        id="show-metrics", text="Metrics", icon="metrics", keys=("Ctrl+3",),
        help="Compare results with a reference", run=lambda s: s.arrangement.go_to(s.metrics),
    ),
    *layouts(),
    Command(
        id="expected-error", text="Expected Error", keys=("E",), why_not=needs_stack,
        help="Show the standard error that Instant predicts for every pixel, in counts",
        run=lambda s: _toggle_expected_error(s), on=lambda s: s.filters.is_on("instant", "uncertainty"),
    ),
    Command(
        id="zoom-in", text="Zoom In", icon="zoom-in", keys=("+", "=", "Ctrl++", "Ctrl+="),
        help="Increase the magnification", why_not=needs_stack, run=lambda s: s.viewer.zoom(1.25),
    ),
    Command(
        id="zoom-out", text="Zoom Out", icon="zoom-out", keys=("-", "Ctrl+-"), why_not=needs_stack,
        help="Decrease the magnification", run=lambda s: s.viewer.zoom(0.8),
    ),
    Command(
        id="fit", text="Fit to Window", short="Fit", icon="fit", keys=("4", "Ctrl+0"), why_not=needs_stack,
        help="Show the whole plane", run=lambda s: s.viewer.fit(),
    ),
    Command(
        id="actual-size", text="Actual Size", short="1:1", keys=("5",),
        help="Show one image pixel as one screen pixel", why_not=needs_stack,
        run=lambda s: s.viewer.actual_size(),
    ),
    Command(
        id="toggle-panels", text="Hide or Show All", keys=("Tab",),
        help="Hide all panels, or show them as they were. The key works while the image has the focus",
        run=lambda s: s.arrangement.toggle_all(),
    ),
    Command(
        id="full-screen", text="Full Screen", keys=("F11",), help="Use the full screen, or leave it",
        run=lambda s: s.arrangement.toggle_full_screen(), on=lambda s: s.window.isFullScreen(),
    ),
    Command(
        id="reset-panels", text="Reset Panels", icon="reset", help="Restore the default panel positions",
        run=lambda s: s.arrangement.reset(),
    ),
    Command(
        id="help", text="Help", icon="help", keys=("F1",),
        help="Show the help page of the current panel", run=lambda s: s.help.show_page(),
    ),
    Command(
        id="keys", text="Keyboard Shortcuts", keys=("Shift+F1",), help="List all keys",
        run=lambda s: s.help.show_keys(),
    ),
    Command(
        id="show-log", text="Log", icon="log", keys=("Ctrl+4",),
        help="Show the messages since the start of the program",
        run=lambda s: s.arrangement.go_to(s.log),
    ),
    Command(
        id="copy-report", text="Copy Report", icon="copy",
        help="Copy versions, system, device and the last log lines for a problem report",
        run=lambda s: s.announcer.copy_report(),
    ),
    Command(
        id="about", text="About Quietfield", icon="info", help="Versions and licences",
        run=lambda s: s.help.show_about(),
    ),
    *choices(),
)  # fmt: skip
