"""The client of Foreman Office.

import foreman

with foreman.task() as task:
    task.progress(40, "Half of the tests pass")
    task.report("report.xml")
"""

from foreman.errors import (
    ForemanError,
    Invalid,
    NotAnOffice,
    NoTask,
    NotLoggedIn,
    Refused,
    SpoolFull,
    Unreachable,
)
from foreman.office import VERSION as __version__
from foreman.work import Task, task

__all__ = [
    "ForemanError",
    "Invalid",
    "NoTask",
    "NotAnOffice",
    "NotLoggedIn",
    "Refused",
    "SpoolFull",
    "Task",
    "Unreachable",
    "__version__",
    "task",
]
