"""Start Quietfield: a subcommand runs the command line; otherwise the window opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# All other imports are inside main, where signals that end the program are handled.

APT = (
    "sudo apt install python3-venv libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
)
"""Installs the packages that a bare Debian or Ubuntu lacks; equal to the line in the README."""

XCB_LIBRARIES = (
    "libxkbcommon-x11.so.0", "libxcb-cursor.so.0", "libxcb-icccm.so.4", "libxcb-keysyms.so.1",
    "libxcb-shape.so.0", "libxcb-xkb.so.1",
)  # fmt: skip
"""Libraries that Qt needs under X11 and that may be missing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run Quietfield and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program name; by default those of the process.
    """
    from app.shell.signals import Ended, raising

    try:
        with raising():
            import multiprocessing

            multiprocessing.freeze_support()
            return _main(argv)
    except KeyboardInterrupt as stop:
        ended = stop if isinstance(stop, Ended) else Ended()
        return _refuse(ended.sentence, ended.code)


def _main(argv: Sequence[str] | None) -> int:
    words = [w for w in (sys.argv[1:] if argv is None else argv) if not w.startswith("-psn_")]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # not every console can encode "µ"
    if words[:1] == ["--self-test"]:
        return _self_test(words[1:])
    from app.cli.arguments import COMMANDS

    if words and (words[0] in COMMANDS or words[0].startswith("-") or not _is_path(words[0])):
        from app.cli.main import main as run_command

        return run_command(words)
    from core.paths import there

    missing = [w for w in words if not there(Path(w))]
    if missing:
        return _refuse(f"{missing[0]} does not exist. Name stacks to open, or a command (see --help).")
    return _window([Path(w) for w in words])


def _is_path(word: str) -> bool:
    """Whether a word is a file or folder, and not a mistyped command."""
    from core.paths import there

    return there(Path(word)) or Path(word).suffix != "" or os.sep in word or "/" in word


def _window(paths: list[Path]) -> int:
    reason = _no_display()
    if reason:
        return _refuse(reason)
    share_processors()
    try:
        _import_torch_first()
        from app.application import run
    except ImportError as error:
        return _refuse_libraries(error)
    return run(paths)


def _self_test(words: list[str]) -> int:
    if len(words) != 1:
        return _refuse("--self-test takes the name of one PNG file to write.", code=2)
    reason = _no_display()
    if reason:
        return _refuse(reason)
    share_processors()
    try:
        _import_torch_first()
        from app.selftest import run
    except ImportError as error:
        return _refuse_libraries(error)
    return run(Path(words[0]))


def share_processors() -> None:
    """Make torch's threads sleep while waiting, unless the environment sets another policy.

    If other processes or threads use the processors, spinning threads delay the threads they wait for: a
    plane took 1.5 times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded


def _import_torch_first() -> None:
    """Import torch before Qt on Windows (https://github.com/pytorch/pytorch/issues/166628)."""
    if sys.platform == "win32":
        import torch  # noqa: F401


def _no_display() -> str:
    """Return why no window can be opened, or "". Qt itself would abort the program."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return ""
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    if not os.environ.get("DISPLAY"):
        return (
            "The window needs a display (neither DISPLAY nor WAYLAND_DISPLAY is set). Start Quietfield on a "
            "desktop, or with 'ssh -X' or 'xvfb-run'; 'quietfield --help' lists the commands that work "
            "without a window."
        )
    import ctypes

    for name in XCB_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            return f"The window needs the library {name} of the system. On Debian or Ubuntu:\n  {APT}"
    return ""


def _refuse_libraries(error: ImportError) -> int:
    """Report a missing system library; any other import error is a defect."""
    if ".so" not in str(error) or "cannot open shared object" not in str(error):
        raise error
    return _refuse(f"A library of the system is missing ({error}). On Debian or Ubuntu:\n  {APT}")


def _refuse(message: str, code: int = 1) -> int:
    from app.shell.signals import say

    say(message)
    return code


if __name__ == "__main__":
    sys.exit(main())
