"""What a badge says: a state and figures, and no name."""

from typing import NamedTuple

from django.utils.html import format_html

from builders.models import Builder
from foreman_office.dashboard.builders.queries import with_verdict
from kit.web.templatetags.states import LOOKS
from programs.models import Program, Task, TaskState

# By the tone of a state; white text on each has a contrast of 4.5 at least.
COLOURS = {
    "done": "#1f7a3f",
    "running": "#1560b0",
    "assigned": "#5b4bb5",
    "blocked": "#8f5a00",
    "failed": "#b3261e",
    "quiet": "#5f6670",
}
PER_CHARACTER, ROOM = 6.8, 12  # pixels of a character at 11 px, and around a text


class Badge(NamedTuple):
    label: str
    message: str
    colour: str

    def as_json(self) -> dict[str, object]:
        """Return what shields.io calls an endpoint badge."""
        return {
            "schemaVersion": 1,
            "label": self.label,
            "message": self.message,
            "color": self.colour,
        }

    def as_svg(self) -> str:
        left, right = (round(len(words) * PER_CHARACTER + ROOM) for words in self[:2])
        return format_html(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
            ' aria-label="{label}: {message}"><title>{label}: {message}</title>'
            '<rect width="{left}" height="20" fill="#3a3f47"/>'
            '<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
            ' text-anchor="middle"><text x="{first}" y="14">{label}</text>'
            '<text x="{second}" y="14">{message}</text></g></svg>',
            **self._asdict(),
            width=left + right,
            left=left,
            right=right,
            first=left / 2,
            second=left + right / 2,
        )


def badge_of(about: Program | Builder) -> Badge:
    if isinstance(about, Program):
        tasks = Task.objects.filter(wave__program=about)
        done = tasks.filter(state=TaskState.COMPLETED).count()
        return _badge("program", about.state, f"{done} of {tasks.count()} tasks")
    builder = with_verdict().select_related("current_task").get(pk=about.pk)
    task = builder.current_task
    return _badge("builder", builder.verdict, f"{task.progress_percentage} %" if task else "")  # type: ignore[attr-defined]


def _badge(label: str, state: str, figures: str) -> Badge:
    look = LOOKS[state]
    message = ", ".join(filter(None, [look.word.lower(), figures]))
    return Badge(label, message, COLOURS[look.tone])
