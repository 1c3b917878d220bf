"""Messages about decisions that were assigned: each is told to its assignee, once."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max

from foreman_office.notifications.rules import DueMessage, RuleInForce, covers, told_for
from governance.models import Delivery, Notice


def assigned_messages(
    rules: list[RuleInForce], notices: list[Notice], at: datetime
) -> Iterator[DueMessage]:
    """Yield a message by the first rule of each assignee, outside of its quiet hours.

    Which kinds and programs the rule is for does not matter: a person has chosen the assignee. Of
    which organisation it is does.
    """
    assigned = [
        notice
        for notice in notices
        if notice.assigned_to not in ("", notice.assigned_by) and not notice.acknowledged_at
    ]
    if not assigned:
        return
    of_person: dict[str, list[RuleInForce]] = defaultdict(list)
    for rule in rules:
        if person := rule.target.user or rule.rule.user:
            of_person[person.get_username()].append(rule)
    told = _told_at(assigned)
    for notice in assigned:
        covering = (each for each in of_person[notice.assigned_to] if covers(each.scope, notice))
        rule_of_assignee = next(covering, None)
        if rule_of_assignee is None or rule_of_assignee.is_quiet(notice, at):
            continue
        before = told.get((notice.pk, rule_of_assignee.target.key))
        if before is None or (notice.assigned_at and before < notice.assigned_at):
            reason = Delivery.Reason.ASSIGNED
            yield DueMessage(
                rule_of_assignee.target,
                reason,
                rule_of_assignee.row,
                [notice],
                told_for(rule_of_assignee.scope, notice),
            )


def _told_at(notices: list[Notice]) -> dict[tuple[int, str], datetime]:
    """Return when the last message about an assignment was queued, by notice and addressee."""
    rows = Delivery.notices.through.objects.filter(
        notice__in=notices, delivery__reason=Delivery.Reason.ASSIGNED
    )
    found = rows.values_list("notice_id", "delivery__target").annotate(Max("delivery__queued_at"))
    return {(notice, target): at for notice, target, at in found}
