"""The names of the API's addresses: tokens open them, and no session does."""

ADDRESSES = [
    *("heartbeat", "assignment", "task", "qa_run", "claim", "escalation", "validation"),
    *("programs", "waves", "tasks", "builders", "runs", "blockers", "decisions", "events"),
    *("questions", "question", "withdrawal", "links", "link_removal", "notes", "hook"),
    *("next",),
]
