"""Train the networks of Instant side by side: ``python -m core.instant.making.train --out FOLDER``.

Run it again with the same FOLDER to continue after an interruption, or with more steps to train longer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from core.instant.making.card import write_card
from core.instant.making.training import Settings, State, resume, resume_file, train
from core.instant.network import SHAPES
from core.instant.weights import file_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the training with command-line arguments."""
    standard = Settings()
    parser = argparse.ArgumentParser(prog="python -m core.instant.making.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=standard.steps, help="number of training steps")
    parser.add_argument("--networks", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--out", type=Path, required=True, help="folder to write networks and cards to")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the networks, 0 for all")
    parser.add_argument("--workers", type=int, default=standard.workers, help="simulating processes")
    parser.add_argument("--batch", type=int, default=standard.batch, help="patches per step")
    parser.add_argument("--side", type=int, default=standard.side, help="side of a patch in pixels")
    parser.add_argument("--rate", type=float, default=standard.rate, help="largest learning rate")
    parser.add_argument("--seed", type=int, default=standard.seed)
    parser.add_argument("--pause", type=int, default=standard.pause, help="steps between validations")
    parser.add_argument("--scenes", type=int, default=standard.scenes, help="scenes before the first step")
    parser.add_argument("--validation", type=int, default=standard.validation, help="scenes to validate on")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    settings = Settings(
        steps=given.steps, batch=given.batch, side=given.side, rate=given.rate, seed=given.seed,
        workers=given.workers, pause=given.pause, scenes=given.scenes, validation=given.validation,
    )  # fmt: skip
    device, folder = torch.device(given.device), given.out
    torch.backends.cudnn.benchmark = True  # all batches have one of two shapes
    folder.mkdir(parents=True, exist_ok=True)
    states = [
        resume(settings, device, name, folder)
        if resume_file(name, folder).exists()
        else State(name, settings, device)
        for name in given.networks
    ]
    for line in train(states, settings, folder):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        write_card(file_of(line.split(":")[0], folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
