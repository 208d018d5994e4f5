"""Run by the Python of an environment that holds careamics: train N2V or N2V2 for some time, and predict.

Arguments: file of noisy frames (T, Y, X), file to write to, "n2v" or "n2v2", seconds, frames to
predict, seed, how often to predict (the last time is told). Training ends after 30 epochs of 100 steps, or
when the time is up. Made for careamics 0.3.
Nothing of Quietfield is imported here.
"""

import sys
import time

import numpy as np

WHOLE = 1024
"""Frames with sides up to this are predicted whole."""


def main(
    given: str, made: str, variant: str, seconds: float, frames: int, seed: int, repeats: int
) -> None:  # fmt: skip
    from careamics import CAREamist
    from careamics.config import create_n2v_config
    from lightning.pytorch import seed_everything
    from lightning.pytorch.callbacks import Callback

    class Clock(Callback):
        """Ends training when the time is up."""

        def __init__(self) -> None:
            self.began = self.ended = 0.0
            self.steps = 0

        def on_train_start(self, trainer: object, module: object) -> None:
            self.began = self.ended = time.perf_counter()

        def on_train_batch_end(self, trainer: object, *_: object) -> None:
            self.ended = time.perf_counter()
            self.steps += 1
            if self.ended - self.began >= seconds:
                trainer.should_stop = True  # type: ignore[attr-defined]

    seed_everything(seed)
    noisy = np.load(given).astype(np.float32)
    config = create_n2v_config(
        experiment_name="benchmark", data_type="array", axes="SYX", patch_size=[64, 64], batch_size=16,
        num_epochs=30, num_steps=100, use_n2v2=variant == "n2v2",
    )  # fmt: skip
    clock = Clock()
    careamist = CAREamist(config, work_dir=".", callbacks=[clock], enable_progress_bar=False)
    careamist.train(train_data=noisy)
    tiles = {} if max(noisy.shape[1:]) <= WHOLE else {"tile_size": (256, 256), "tile_overlap": (48, 48)}
    for _ in range(repeats):
        began = time.perf_counter()
        images, _ = careamist.predict(noisy[:frames], data_type="array", axes="SYX", **tiles)
        predicted = time.perf_counter() - began
    images = np.concatenate([np.asarray(image).reshape(-1, *noisy.shape[1:]) for image in images])
    np.savez(made, images=images, seconds=clock.ended - clock.began, steps=clock.steps, predicted=predicted)


if __name__ == "__main__":
    seconds, *whole = sys.argv[4:]
    main(*sys.argv[1:4], float(seconds), *map(int, whole))
