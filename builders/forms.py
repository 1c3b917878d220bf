"""What corrections of the builders look like."""

from foreman_office.kit.admin import GovernedForm
from foreman_office.kit.forms import ObjectField


class BuilderForm(GovernedForm):
    governed = ("state", "current_task")

    provenance = ObjectField(
        required=False,
        help_text='What it runs on: {"model": "…", "escalation_rationale": "…"}, and more.',
    )
