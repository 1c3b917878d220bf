"""The heartbeats of a story: each builder's, from the last moment back."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from bench.generator import words
from bench.generator.plan import DAY, Attempt, TaskStory
from bench.generator.story import IN_HAND, SILENCE, Story
from programs.models import BuilderName

KEPT = 85 * DAY  # a little less than the office keeps beats
USUAL = 60  # seconds from beat to beat, or less where there are to be many
STUCK = 12  # beats that say the same


class BeatRow(NamedTuple):
    builder: str
    task: TaskStory | None
    at: float
    status: str
    message: str
    progress: int | None


class ReportedWork(NamedTuple):
    """What beats leave on a task: its progress, and when that changed last."""

    progress: int
    at: float | None


class BeatRows:
    """A given number of heartbeats of a story; iterating again yields the same ones."""

    def __init__(self, story: Story, number: int) -> None:
        self.story, self.number = story, number
        room = min(KEPT, max(story.now, 1)) * len(BuilderName)
        self.every = min(USUAL, room / max(number, 1))

    def __iter__(self) -> Iterator[BeatRow]:
        for place, builder in enumerate(BuilderName.values):
            share, more = divmod(self.number, len(BuilderName))
            yield from self._of(builder, share + (place < more), place)

    def _of(self, builder: str, share: int, place: int) -> Iterator[BeatRow]:
        """Yield the beats of one builder, the newest first."""
        attempts = self.story.attempts[builder]
        latest = len(attempts) - 1
        at, sent = self.story.now - self.every * (place + 1) / 8, 0
        while sent < share:
            while latest >= 0 and attempts[latest][1].assigned > at:
                latest -= 1
            task, attempt = attempts[latest] if latest >= 0 else (None, None)
            if task and attempt and attempt.begun <= at < attempt.left:
                beat = self._at_work(builder, task, attempt, at)
            else:
                said = words.SAYINGS["idle"][int(at // 900) % 2]
                beat = BeatRow(builder, None, at, "idle", said, None)
            if beat:
                sent += 1
                yield beat
            at -= self.every

    def _at_work(
        self, builder: str, task: TaskStory, attempt: Attempt, at: float
    ) -> BeatRow | None:
        """Return a beat of a builder at work on a task; None while it is silent."""
        moment, status, trouble = at, "active", attempt.trouble
        if trouble and trouble.kind == "builder_stall":
            if trouble.since - SILENCE - 5 < at < trouble.over:
                return None
        elif trouble and trouble.since <= at < trouble.over:
            moment, status = trouble.since, "blocked"
        elif task.in_hand and IN_HAND.get(builder, "none") is None:
            moment = min(at, self.story.now - STUCK * self.every)
        progress = attempt.progress(moment)
        said = words.SAYINGS[status]
        message = said[progress * len(said) // 100]
        message = message.format(architecture=task.architecture, suite=task.suite)
        return BeatRow(builder, task, at, status, message, progress)

    def worked(self) -> dict[UUID, ReportedWork]:
        """Return what the beats left on each task, or left once if they are kept no longer."""
        found, seen = {}, {}
        for task, attempt in (pair for pairs in self.story.attempts.values() for pair in pairs):
            if attempt.outcome:
                whole = attempt.work_end - attempt.begun
                found[task.key] = ReportedWork(95, attempt.begun + 0.95 * whole)
        for beat in self:
            if beat.task and beat.at >= beat.task.attempts[-1].begun:
                known = seen.get(beat.task.key)
                if known is None or known.progress == beat.progress:
                    at = beat.at if beat.progress else None
                    seen[beat.task.key] = ReportedWork(beat.progress or 0, at)
        return found | seen
