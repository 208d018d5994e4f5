"""Try the whole program once, as a person would, and say what failed: ``quietfield --self-test SHOT.png``.

An exception in a slot leaves the exit code at 0, and a packaged program can lack a part that is
only loaded when it is needed. So every part is used once and every complaint is recorded.
"""

from app.selftest.script import run

__all__ = ["run"]
