"""The plan: programs, waves and tasks (contract sections 1.1 to 1.3)."""

from programs.models.attachments import (
    LONGEST_ADDRESS,
    LONGEST_LABEL,
    LONGEST_NOTE,
    WANTED_ADDRESS,
    LinkKind,
    Note,
    TaskLink,
    TaskNote,
    leads_to_a_host,
    note_text,
)
from programs.models.checks import not_before, one_of, percentage
from programs.models.due import (
    FINISHED,
    FIRST_DAY,
    LAST_DAY,
    NOT_FINISHED,
    Today,
    due_order,
    is_late,
    today,
)
from programs.models.organisations import Organisation
from programs.models.plan import MAX_ORDINAL, NAME_BEGINS, PlanNote, Program, Task, Wave
from programs.models.staging import ImportTransaction, ImportTurn, StagedImport, StagedRecord
from programs.models.states import (
    JUDGED_BY,
    MOVES,
    TASK_MOVES,
    UNDER_WAY,
    BuilderName,
    State,
    TaskState,
    ValidatedBy,
)
from programs.models.texts import PlanText

__all__ = [
    "FINISHED",
    "FIRST_DAY",
    "JUDGED_BY",
    "LAST_DAY",
    "LONGEST_ADDRESS",
    "LONGEST_LABEL",
    "LONGEST_NOTE",
    "MAX_ORDINAL",
    "MOVES",
    "NAME_BEGINS",
    "NOT_FINISHED",
    "TASK_MOVES",
    "UNDER_WAY",
    "WANTED_ADDRESS",
    "BuilderName",
    "ImportTransaction",
    "ImportTurn",
    "LinkKind",
    "Note",
    "Organisation",
    "PlanNote",
    "PlanText",
    "Program",
    "StagedImport",
    "StagedRecord",
    "State",
    "Task",
    "TaskLink",
    "TaskNote",
    "TaskState",
    "Today",
    "ValidatedBy",
    "Wave",
    "due_order",
    "is_late",
    "leads_to_a_host",
    "not_before",
    "note_text",
    "one_of",
    "percentage",
    "today",
]
