"""What the demo's foreman decides about the imported sample: that it is history here.

A new user should decide about the live program first, and not about another project's past. What
was imported stays as it was written; later decisions about it are recorded beside it, with their
reasons.
"""

from foreman_office.simulation.pages import Pages

SAMPLE = "Maturion Foreman Office App - Waves 0 and 1"
WRITTEN = "2026-01-09"  # after the last record of the sample
SETTLED = "Open at the end of the imported history; nothing is decided about it any more."
ABANDONED = (
    "Imported as history: it ends on 8 January 2026, and nobody works on it in this office."
    " Reopen the program to go on with it."
)


def settle_history(pages: Pages) -> None:
    """Resolve what the sample left open and abandon its program, once.

    The last step is the mark that all was done: a visitor who reopens the program keeps it open.
    """
    for program in pages.export("/programs/", q=SAMPLE):
        if program["program"] == SAMPLE and program["state"] in ("in-progress", "blocked"):
            key = program["program_id"]
            moves = pages.export("/evidence/", of=f"program:{key}", action="state_changed")
            if any(move["context"]["to"] == "failed" for move in moves):
                continue
            for blocker in pages.export("/blockers/", program=key):
                if blocker["detected_at"] < WRITTEN:
                    address = f"/blockers/{blocker['blocker_id']}/resolve/"
                    pages.post(address, {"resolution": SETTLED})
            pages.post(f"/programs/{key}/fail/", {"reason": ABANDONED})
