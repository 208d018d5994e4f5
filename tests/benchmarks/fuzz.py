"""Feeds mutants of files to everything that reads them: each must be read, or be refused in one sentence.

A worker process reads one mutant after another, and is watched: an exception, a crash, a mutant that takes
longer than a limit, one that needs much memory, and a refusal that is no sentence are faults. Every mutant
follows from seed, kind and number, and ``--replay SEED-KIND-NUMBER`` shows what becomes of one.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

LIMIT = 10.0
"""Seconds that a mutant may take."""

MOST_MEMORY = 2**30
"""Bytes by which the memory of the worker may grow with one mutant."""

LONGEST = 1000
"""Characters of a sentence."""

SAVED = 20
"""One of so many stacks that were opened is also saved and read back."""


@dataclass(frozen=True)
class Kind:
    """A kind of mutants: how they are made, and what reads them."""

    seeds: Callable[[], list[Any]]
    mutate: Callable[[Any, Random], tuple[str, bytes]]
    """Return ending of the name and content of a file."""
    read: Callable[[Path, Random], None]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _mutate_tiff(seed: tuple[str, bytes], draw: Random) -> tuple[str, bytes]:
    from tests.benchmarks import _mutants

    name, content = seed
    return (".ome.tif" if name.endswith(".ome.tif") else ".tif"), _mutants.tiff(content, draw)


def _read_tiff(path: Path, draw: Random) -> None:
    from core.files import open_stack, read_recipe, save_stack

    if draw.random() < 0.1:
        read_recipe(path)
        return
    stack = open_stack(path)
    stack.plane()
    stack.plane(**{axis: size - 1 for axis, size in stack.sizes.items() if axis not in "YX"})
    for finding in stack.meta.findings:
        _check_sentence(finding.text)
    if draw.random() < 1 / SAVED and stack.nbytes < 2**20:
        save_stack(path.with_name("saved" + draw.choice((".tif", ".ome.tif"))), stack, taken="replace")


def _read_format(path: Path, draw: Random) -> None:
    from tests.benchmarks import _formats

    read = _formats.read_zarr if path.suffix == ".zip" else _formats.read
    for text in read(path, draw):
        _check_sentence(text)


def _mutate_document(seed: Any, draw: Random) -> tuple[str, bytes]:
    from tests.benchmarks import _mutants

    return ".json", _encoded(_mutants.document(seed, draw))


def _read_recipe(path: Path, draw: Random) -> None:
    from core.catalogue import create
    from core.files import read_recipe
    from core.work.recipe import Recipe

    text = read_recipe(path)
    for step in Recipe.from_json(text).steps if text else ():
        step.method_for(lambda file: create("box", {}))
        _check_sentence(f"{step.label} {step.details}")


def _read_history(path: Path, draw: Random) -> None:
    from core.reading import read_text
    from core.work.history import History

    history = History.from_json(read_text(path))
    for index in range(len(history.entries)):
        for step in history.steps(index):
            _check_sentence(f"{step.label} {step.details}")
    if history.undo().redo().live != history.live and history.can_undo:
        raise AssertionError("undo and redo give another history")


def _read_psf(path: Path, draw: Random) -> None:
    from core.psf.files import load_psf

    psf = load_psf(path, {})
    _check_sentence(psf.brief)
    if abs(float(psf.plane.kernel.sum()) - 1) > 1e-3:
        raise AssertionError("the sum of the PSF is not 1")


def _read_noise_model(path: Path, draw: Random) -> None:
    import numpy as np

    from core.noise.model_text import load_models

    for model in load_models(path).channels:
        model.variance(np.array([1.0, 100.0]))


def _mutate_network(seed: bytes, draw: Random) -> tuple[str, bytes]:
    from core.checkpoint import KEY
    from tests.benchmarks import _mutants

    return ".quietfield", _mutants.network(seed, draw, KEY)


def _read_network(path: Path, draw: Random) -> None:
    import numpy as np

    from core.checkpoint import load_model
    from core.learning.trainer import Trainer
    from core.methods.apply import evaluate
    from core.stack import Stack

    model = load_model(path)
    pixels = np.random.default_rng(0).poisson(50, (3, 64, 64)) + 100
    stack = Stack.of(pixels.astype(np.uint16), "TYX", name="s")
    for image in evaluate(stack, model.prediction("cpu"), stack.region(T=0)):
        if not np.isfinite(image).all():
            raise AssertionError("the result is not finite")
    if model.resume is not None and draw.random() < 0.2:
        trainer = Trainer(stack, model.method, device="cpu", threads=1)
        trainer.restore(model)
        for report in trainer.run():
            if report.step > model.record.steps + 1 or report.step > 20:
                break


def _kinds() -> dict[str, Kind]:
    from tests.benchmarks import _formats, _seeds

    return {
        **{
            kind: Kind(partial(_formats.vendors, kind), _formats.mutate, _read_format)
            for kind in _formats.NAMES
        },
        "oib": Kind(_formats.oibs, _formats.mutate, _read_format),
        "hdf5": Kind(_formats.hdf5s, _formats.mutate, _read_format),
        "mrc": Kind(_formats.mrcs, _formats.mutate, _read_format),
        "zarr": Kind(_formats.zarrs, _formats.mutate_zarr, _read_format),
        "tiff": Kind(_seeds.tiffs, _mutate_tiff, _read_tiff),
        "recipe": Kind(_seeds.recipes, _mutate_document, _read_recipe),
        "history": Kind(_seeds.histories, _mutate_document, _read_history),
        "psf": Kind(_seeds.psfs, _mutate_document, _read_psf),
        "noise-model": Kind(_seeds.noise_models, _mutate_document, _read_noise_model),
        "model": Kind(_seeds.networks, _mutate_network, _read_network),
    }


KINDS = (
    "tiff", "nd2", "czi", "lif", "oib", "hdf5", "mrc", "zarr",
    "recipe", "history", "psf", "noise-model", "model",
)  # fmt: skip


def _check_sentence(text: str) -> None:
    if len(text) > LONGEST or not text.isprintable():
        raise AssertionError(f"no sentence: {text[:300]!r}")


def mutant(kind: Kind, seeds: list[Any], name: str) -> tuple[str, bytes, Random]:
    """Return ending and content of a mutant, and the generator for reading it, from its name."""
    draw = Random(name)
    number = int(name.rpartition("-")[2])
    ending, content = kind.mutate(seeds[number % len(seeds)], draw)
    return ending, content, draw


def outcome(kind: Kind, path: Path, draw: Random) -> tuple[str, str]:
    """Return what becomes of reading a mutant: "read", "refused" or "exception", and the words for it."""
    from core.errors import QuietfieldError

    try:
        try:
            kind.read(path, draw)
        except QuietfieldError as error:
            _check_sentence(str(error))
            return "refused", str(error)
    except Exception:
        return "exception", traceback.format_exc()
    return "read", ""


def _work(
    kind_name: str, seed: int, first: int, last: int, shared: Any, out: Connection, folder: str
) -> None:
    """Read mutants; `shared` holds the number of the current one and when it began."""
    os.environ["OMP_NUM_THREADS"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders print what they think of mutants
    kind = _kinds()[kind_name]
    seeds = kind.seeds()
    tally: Counter[str] = Counter()
    for number in range(first, last):
        shared.number = number
        ending, content, draw = mutant(kind, seeds, f"{seed}-{kind_name}-{number}")
        path = Path(folder) / f"mutant{ending}"
        path.write_bytes(content)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        shared.began = time.monotonic()
        what, words = outcome(kind, path, draw)
        took = time.monotonic() - shared.began
        shared.began = 0.0
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        if grown > MOST_MEMORY and what != "exception":
            what, words = "memory", f"{grown / 2**20:.0f} MiB more"
        tally[what] += 1
        shared.slowest = max(shared.slowest, took)
        if what not in ("read", "refused"):
            out.send(("fault", number, what, words))
        if number % 500 == 499:
            out.send(("tally", dict(tally)))
            tally.clear()
    out.send(("tally", dict(tally)))
    out.send(("end",))
    os._exit(0)


class _Shared(ctypes.Structure):
    _fields_ = (("number", ctypes.c_int64), ("began", ctypes.c_double), ("slowest", ctypes.c_double))


class Watched:
    """Runs a worker over the mutants of a kind; a worker that hangs or crashes is replaced behind them."""

    def __init__(self, kind: str, seed: int, count: int, seconds: float, keep: Path | None) -> None:
        self.kind, self.seed, self.count, self.keep = kind, seed, count, keep
        self.until = time.monotonic() + seconds
        self.tally: Counter[str] = Counter()
        self.faults: list[tuple[str, str, str]] = []
        self.done, self.slowest = 0, 0.0

    def run(self) -> None:
        """Read all mutants, or those that the time allows."""
        first = 0
        while first < self.count and time.monotonic() < self.until:
            first = self._run(first)

    def _run(self, first: int) -> int:
        """Start a worker at a mutant; return the number of the one behind the last."""
        context = multiprocessing.get_context("spawn")
        shared: Any = context.Value(_Shared, lock=False)
        shared.number = first - 1
        here, there = context.Pipe(duplex=False)
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            arguments = (self.kind, self.seed, first, self.count, shared, there, folder)
            worker = context.Process(target=_work, args=arguments, daemon=True)
            worker.start()
            there.close()
            try:
                stopped = self._watch(worker, shared, here)
            finally:
                worker.kill()
                worker.join()
        self.slowest = max(self.slowest, shared.slowest)
        last: int = shared.number
        if stopped == "end":
            return self.count
        if stopped != "time":
            self._fault(
                last, stopped, f"exit code {worker.exitcode}" if stopped == "crash" else f"> {LIMIT} s"
            )
            self.tally[stopped] += 1
        self.done = max(self.done, last + 1)
        return last + 1

    def _watch(self, worker: Any, shared: Any, here: Connection) -> str:
        """Wait for the end of a worker; return why it ended: end, time, hang or crash."""
        while True:
            try:
                while here.poll(0.2):
                    message = here.recv()
                    if message[0] == "end":
                        self.done = self.count
                        return "end"
                    if message[0] == "tally":
                        self.tally.update(message[1])
                    else:
                        self._fault(*message[1:])
            except (EOFError, OSError):
                return "crash"
            now, began = time.monotonic(), shared.began
            if began and now - began > LIMIT:
                return "hang"
            if now > self.until:
                return "time"
            if not worker.is_alive() and not here.poll():
                return "crash"

    def _fault(self, number: int, what: str, words: str) -> None:
        name = f"{self.seed}-{self.kind}-{number}"
        self.faults.append((name, what, words))
        last = words.strip().splitlines()[-1][:160] if words.strip() else ""
        print(f"FAULT {name}: {what}: {last}", flush=True)
        if self.keep is not None:
            kind = _kinds()[self.kind]
            ending, content, _ = mutant(kind, kind.seeds(), name)
            self.keep.mkdir(parents=True, exist_ok=True)
            (self.keep / f"{name}{ending}").write_bytes(content)
            (self.keep / f"{name}.txt").write_text(f"{what}\n{words}\n")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks fuzz", description=__doc__)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--count", type=int, default=1000, help="mutants of each kind")
    parser.add_argument("--seconds", type=float, default=120.0, help="time for each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for mutants that are faults")
    parser.add_argument("--replay", metavar="SEED-KIND-NUMBER", help="read one mutant again")
    given = parser.parse_args(arguments)
    if given.replay:
        replay(given.replay)
        return
    faults = 0
    for kind in given.kind:
        began = time.monotonic()
        watched = Watched(kind, given.seed, given.count, given.seconds, given.keep)
        watched.run()
        took = time.monotonic() - began
        known = ", ".join(f"{what} {count}" for what, count in sorted(watched.tally.items()))
        print(
            f"{kind}: {watched.done} mutants (seed {given.seed}) in {took:.0f} s: {known}; slowest "
            f"{watched.slowest:.2f} s; {len(watched.faults)} faults",
            flush=True,
        )
        faults += len(watched.faults)
    if faults:
        sys.exit(1)


def replay(name: str) -> None:
    """Read one mutant again, and print what becomes of it."""
    kind = _kinds()[name.partition("-")[2].rpartition("-")[0]]
    ending, content, draw = mutant(kind, kind.seeds(), name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutant{ending}"
        path.write_bytes(content)
        began = time.monotonic()
        print(json.dumps(outcome(kind, path, draw), indent=1).replace("\\n", "\n"))
        print(f"{len(content)} bytes, {time.monotonic() - began:.2f} s")
