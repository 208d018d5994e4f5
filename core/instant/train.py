"""Train the network of Instant: ``python -m core.instant.train --out FILE``.

Run it again with the same FILE to go on after an interruption, or with more steps to train longer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from core.instant.card import write_card
from core.instant.training import Settings, begin, resume, resume_file, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the arguments say."""
    standard = Settings()
    parser = argparse.ArgumentParser(prog="python -m core.instant.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=standard.steps, help="length of the training")
    parser.add_argument(
        "--widths", type=int, nargs="+", default=standard.widths, help="channels of the levels of the network"
    )
    parser.add_argument("--out", type=Path, required=True, help="file of the network, .safetensors")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="threads of the network, 0 for all")
    parser.add_argument("--workers", type=int, default=standard.workers, help="processes that simulate")
    parser.add_argument("--batch", type=int, default=standard.batch, help="patches a step")
    parser.add_argument("--side", type=int, default=standard.side, help="side of a patch in pixels")
    parser.add_argument("--rate", type=float, default=standard.rate, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="network of the same widths to start from")
    parser.add_argument("--seed", type=int, default=standard.seed)
    parser.add_argument("--pause", type=int, default=standard.pause, help="steps between validations")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    settings = Settings(
        steps=given.steps, widths=tuple(given.widths), batch=given.batch, side=given.side, rate=given.rate,
        seed=given.seed, workers=given.workers, pause=given.pause,
    )  # fmt: skip
    device = torch.device(given.device)
    known = resume_file(given.out).exists()
    state = resume(settings, device, given.out) if known else begin(settings, device, given.start)
    for line in train(state, settings, given.out):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        write_card(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
