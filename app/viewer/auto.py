"""The Auto button: contrast levels from the visible part of the source, computed in a thread."""

from __future__ import annotations

from app.preview.regions import visible_region
from app.shell.jobs import Job, Jobs
from app.shell.session import Session
from app.shell.view_state import Levels, auto_choices, next_auto
from core.recorded import Recorded
from core.stack import Pixels


class AutoLevels:
    """Sets the levels of the displayed channel; pressing again on the same view saturates more pixels."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        self._session, self._jobs = session, jobs

    def press(self) -> None:
        """Compute levels from the visible part of the source, and set them."""
        snapshot = self._session.snapshot
        source = snapshot.source
        if source is None:
            return
        region = visible_region(source.stack, snapshot.position, snapshot.view)
        channel = snapshot.channel

        def work(job: Job) -> tuple[Levels, ...]:
            job.context.check()
            pixels: Pixels = Recorded.of(source.stack).values(region)
            return auto_choices(pixels)

        def done(choices: tuple[Levels, ...]) -> None:
            now = self._session.snapshot
            if now.source is source and now.channel == channel:
                self._session.set_levels(next_auto(choices, now.levels.get(channel)))

        self._jobs.start("Adjusting the levels", work, done=done, quiet=True)
