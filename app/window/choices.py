"""Commands that select one of several options: layout, look-up table, axis, sample, colours."""

from __future__ import annotations

from dataclasses import replace

from app.documents.opening import SAMPLE_HELP, SAMPLES, SampleName
from app.shell import theme
from app.shell.schemes import SCHEMES, Scheme
from app.shell.view_state import LAYOUTS, LUTS
from app.viewer.luts import FROM_FILE
from app.window.command import Command
from app.window.reasons import needs_axis, needs_own_table, needs_stack
from app.window.services import Services


def layouts() -> tuple[Command, ...]:
    """Return a command for each layout of source and result."""
    help = {
        "single": "Show only the result; hold R for the source",
        "split": "Show source and result side by side",
        "curtain": "Show source and result in one image, with a divider that can be dragged",
        "difference": "Show the source, and the difference of result and source",
    }
    return tuple(
        Command(
            id=f"layout-{name}", text=label, short=label, help=help[name], keys=(f"F{5 + number}",),
            icon=name,
            run=lambda s, name=name: s.session.set_layout(name),  # type: ignore[misc]
            on=lambda s, name=name: s.session.snapshot.layout == name,  # type: ignore[misc]
            group="layout",
        )
        for number, (name, label) in enumerate(LAYOUTS.items())
    )  # fmt: skip


def choices() -> tuple[Command, ...]:
    """Return the commands that select a sample, a look-up table, the first axis or the colours."""
    samples = (
        Command(
            id=f"sample-{name}", text=label, icon="sample", help=SAMPLE_HELP[name],
            run=lambda s, name=name: s.opener.open_sample(name),  # type: ignore[misc]
        )
        for name, label in SAMPLES.items()
    )  # fmt: skip
    tables = (
        Command(
            id=f"lut-{name}", text=name, help=f"Show intensities with the look-up table {name}",
            run=lambda s, name=name: s.session.set_lut(name),  # type: ignore[misc]
            on=lambda s, name=name: s.session.snapshot.lut == name,  # type: ignore[misc]
            group="lut", why_not=needs_own_table if name == FROM_FILE else needs_stack,
        )
        for name in (*LUTS, FROM_FILE)
    )  # fmt: skip
    axes = (
        Command(
            id=f"axis-{letter}", text=label, why_not=needs_axis(letter), group="axis",
            help=f"Interpret the first axis of the stack as {label.lower()}; results are discarded",
            run=lambda s, letter=letter: s.opener.set_axis(letter),  # type: ignore[misc]
            on=lambda s, letter=letter: _first_axis(s) == letter,  # type: ignore[misc]
        )
        for letter, label in (("T", "Time"), ("Z", "Depth (Z)"), ("C", "Channels"))
    )  # fmt: skip
    themes = (
        Command(
            id=f"theme-{name}", text=name.capitalize(), group="theme",
            help="Follow the colour scheme of the system" if name == "system" else f"Use {name} colours",
            run=lambda s, name=name: _choose_theme(s, name),  # type: ignore[misc]
            on=lambda s, name=name: s.preferences.current.theme == name,  # type: ignore[misc]
        )
        for name in SCHEMES
    )  # fmt: skip
    return (*samples, *tables, *axes, *themes)


def studies() -> tuple[Command, ...]:
    """Return a command for each sample that replays the published comparison on it."""
    return tuple(
        Command(
            id=f"study-{name}", text=label, icon="compare",
            help="Open the sample, and compare classic filters with N2V and DecoNoising on it: "
            f"{SAMPLE_HELP[name]}",
            run=lambda s, name=name: _replay(s, name),  # type: ignore[misc]
        )
        for name, label in SAMPLES.items()
    )  # fmt: skip


def _replay(services: Services, name: SampleName) -> None:
    """Open a sample, and compare the methods of the study of Goncharova et al. 2020 on it."""
    services.arrangement.go_to(services.compare)
    services.opener.open_sample(name, then=services.compare.replay_study)


def _first_axis(services: Services) -> str:
    source = services.session.snapshot.source
    return source.stack.axes[0] if source else ""


def _choose_theme(services: Services, scheme: Scheme) -> None:
    services.preferences.keep(replace(services.preferences.current, theme=scheme))
    theme.current().choose(scheme)
