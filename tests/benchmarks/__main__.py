"""Run a benchmark by its name: ``python -m tests.benchmarks NAME [options]``.

A benchmark is a module of this package with a function ``main(arguments)``; modules whose names begin
with an underscore are what they share.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.benchmarks


def main() -> int:
    names = sorted(
        m.name for m in pkgutil.iter_modules(tests.benchmarks.__path__) if not m.name.startswith("_")
    )
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m tests.benchmarks {{{','.join(names)}}} [options]", file=sys.stderr)
        return 2
    importlib.import_module(f"tests.benchmarks.{sys.argv[1]}").main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
