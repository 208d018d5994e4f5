"""Self-test: use the whole program once, and report failures: ``quietfield --self-test SHOT.png``.

An exception in a slot leaves the exit code at 0, and a packaged program may lack a module that is loaded only
on demand. Therefore every part is used once, and all warnings and errors are recorded.
"""

from app.selftest.script import run

__all__ = ["run"]
