"""The names of things in a generated office."""

from random import Random

AREAS = [
    *("Accounts", "Alerts", "Archive", "Billing", "Bookings", "Calendar", "Catalogue", "Claims"),
    *("Contracts", "Customers", "Deliveries", "Documents", "Fleet", "Forecast", "Inventory"),
    *("Invoices", "Ledger", "Licences", "Maintenance", "Messages", "Orders", "Payments", "Payroll"),
    *("Permits", "Planning", "Prices", "Procurement", "Reports", "Returns", "Rosters", "Routes"),
    *("Search", "Settlement", "Subscriptions", "Suppliers", "Support", "Timesheets", "Tracking"),
    *("Training", "Warehouse"),
]
PRODUCTS = ["console", "engine", "gateway", "portal", "register", "service", "workbench"]
STAGES = [
    *("Foundations", "Data model", "Core rules", "Interfaces", "First screens", "Integration"),
    *("Permissions", "Reporting", "Migration", "Performance", "Resilience", "Accessibility"),
    *("Audit trail", "Notifications", "Rollout", "Hardening", "Clean-up"),
]
VERBS = [
    *("Add", "Build", "Check", "Cover", "Describe", "Draw", "Export", "Extend", "Guard", "Import"),
    *("Index", "Limit", "Link", "List", "Log", "Merge", "Migrate", "Read", "Rename", "Repair"),
    *(
        "Replace",
        "Report",
        "Search",
        "Show",
        "Sort",
        "Split",
        "Store",
        "Validate",
        "Watch",
        "Write",
    ),
]
THINGS = [
    *("account", "address", "amount", "approval", "attachment", "balance", "batch", "calendar"),
    *(
        "change",
        "comment",
        "contact",
        "cost centre",
        "currency",
        "customer",
        "deadline",
        "delivery",
    ),
    *("discount", "document", "draft", "entry", "event", "exchange rate", "forecast", "group"),
    *("holiday", "invoice", "item", "language", "limit", "login", "message", "note", "order"),
    *("owner", "page", "payment", "period", "permission", "price", "query", "receipt", "refund"),
    *("reminder", "report", "role", "route", "schedule", "session", "shift", "status", "supplier"),
    *("tag", "tax rate", "template", "time zone", "token", "upload", "vehicle", "version"),
]
ASPECTS = [
    *("endpoint", "form", "history", "import", "index", "list", "lookup", "queue", "rules"),
    *("screen", "search", "summary", "table", "test data", "totals", "validation", "view"),
]
CRITERIA = [
    "The suite passes, with nothing skipped.",
    "An empty list says what to do next.",
    "Every refusal says why, in a sentence.",
    "It answers within 100 ms at the usual load.",
    "Nothing is lost when two people save at once.",
    "It can be used by keyboard alone.",
    "Old records keep their meaning.",
    "The documentation shows one example.",
]
SAYINGS = {
    "blocked": [
        "Waiting for a decision.",
        "The suite asks for a field that the plan does not have.",
    ],
    "idle": ["No task assigned.", "Ready for work."],
    "active": [
        *("Reading {architecture}.", "Comparing the plan with {suite}.", "Laying out the modules."),
        *("Writing the first tests' code.", "Half of the paths are there.", "Handling the errors."),
        *("Running {suite}.", "Fixing what the run has shown.", "Tidying up.", "Almost there."),
    ],
}
BLOCKERS = {
    "architecture_qa_mismatch": "The suite tests a field that the architecture does not have.",
    "impossible_requirements": "Two acceptance criteria exclude each other.",
    "protected_path": "The work would change a protected path.",
    "repeated_failures": "Three runs in a row without progress.",
    "constitutional_violation": "A governance rule was violated.",
    "builder_stall": "The builder has this task and sent no heartbeat.",
}
RESOLUTIONS = {
    "architecture_qa_mismatch": "The architecture was amended and validated again.",
    "impossible_requirements": "One of the criteria was withdrawn.",
    "protected_path": "The path was released for this task.",
    "repeated_failures": "The task was explained again, with an example.",
    "constitutional_violation": "The change was taken back.",
    "builder_stall": "The builder sent a heartbeat again.",
}
VIOLATIONS = {
    "test debt": "A test was skipped to make the run pass.",
    "protected path": "A file of the governance folder was changed.",
    "scope": "The change goes beyond the task.",
}
CHECKS = {
    "design": ["complete", "consistent with the plan", "interfaces named"],
    "data": ["keys stated", "rules stated"],
    "proof": ["testable", "failing tests exist"],
}


def program_name(number: int) -> str:
    """Return a name that no other program has."""
    area, product = AREAS[number % len(AREAS)], PRODUCTS[number % len(PRODUCTS)]
    edition = number // (len(AREAS) * len(PRODUCTS))
    return f"{area} {product}" + (f" {edition + 1}" if edition else "")


def task_name(rng: Random) -> str:
    return f"{rng.choice(VERBS)} the {rng.choice(THINGS)} {rng.choice(ASPECTS)}"


def test_names(task_name: str, number: int) -> list[str]:
    """Return the names of the tests of a task's suite: the same ones in each of its runs."""
    subject = "_".join(task_name.lower().split()[2:])
    return [
        f"test_{subject}_{CASES[each % len(CASES)]}"
        + (f"_{each // len(CASES) + 1}" if each >= len(CASES) else "")
        for each in range(number)
    ]


CASES = [
    *("is_created", "is_listed", "is_refused_when_empty", "keeps_its_history", "is_found_by_name"),
    *("is_shown_in_the_readers_zone", "is_exported", "survives_a_second_save", "can_be_undone"),
    *("is_checked_twice", "is_counted_once", "needs_a_login"),
]


def architecture(program: str, wave: int) -> str:
    return f"architecture/{slug(program)}/wave-{wave}.md"


def suite_path(program: str, wave: int, task: int) -> str:
    return f"tests/{slug(program)}/wave_{wave}/task_{task}/"


def slug(text: str) -> str:
    return text.lower().replace(" ", "-")
