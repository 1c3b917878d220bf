"""The checklist by which the architecture of a task is validated."""

from programs.models import Program

# What a program without a list of its own looks at.
USUAL_ITEMS = (
    "Architecture: interfaces named",
    "Architecture: data shapes stated",
    "Architecture: failure modes listed",
    "Tests: the suite exists",
    "Tests: every criterion is covered",
    "Readiness: no protected path is touched",
)
SECTION = "Architecture"  # of an item that names none


def usual_items(program: Program) -> list[tuple[str, str]]:
    """Return the items of a program's checklist, each with its section."""
    own = [item for item in program.validation_checklist if isinstance(item, str)]
    return list(dict.fromkeys(map(split_item, own or USUAL_ITEMS)))


def split_item(line: str) -> tuple[str, str]:
    """Return the section and the words of an item that is written as "Section: item"."""
    section, colon, item = line.partition(":")
    if colon and section.strip() and item.strip():
        return section.strip(), item.strip()
    return SECTION, line.strip()
