"""Who is told what by messages: what is of the organisations in which they work, and no more."""

import json
import re
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.inbox.reconciling import Reconciling
from foreman_office.notifications import actions
from foreman_office.notifications.due import queue_due_messages
from foreman_office.notifications.rules import Target
from governance.models import (
    Budget,
    Channel,
    Delivery,
    Notice,
    NotificationRule,
    OfficeLogEntry,
    OrganisationMember,
)
from kit.core.acts import Refused
from kit.runtime.database.members import as_member
from kit.runtime.database_addresses import UPKEEP, acting_as
from programs.models import Program
from tests.factories import (
    BudgetFactory,
    ChannelFactory,
    DeliveryFactory,
    EntityNoteFactory,
    UserFactory,
)
from tests.notifications.conftest import let_pass
from tests.notifications.receiver import receiver
from tests.organisations.conftest import ITSELF, deliver, member_of
from tests.organisations.test_pages import OTHERS, join, text_of

WORDS = re.compile("alpha|beta|omega")


@pytest.fixture(autouse=True)
def mail_is_set_up(settings):
    settings.FOREMAN_MAIL_IS_SET_UP = True
    settings.FOREMAN_URL = "https://office.example"
    settings.FOREMAN_PRIVATE_CHANNELS = True


@pytest.fixture
def people(three):
    """People of each place, who have a client each and an e-mail address."""
    made = {
        "ann": [(three.a, "foreman")],
        "abe": [(three.a, "foreman")],
        "vic": [(three.a, "viewer")],
        "adm": [(three.a, "admin")],
        "ben": [(three.b, "foreman")],
        "dan": [(three.a, "foreman"), (three.b, "foreman")],
        "eve": [],
        "root": [],
    }
    clients = {}
    for name, places in made.items():
        person = UserFactory(
            username=name,
            email=f"{name}@example.org",
            is_superuser=name == "root",
            roles=["foreman"] if name == "eve" else [],
        )
        for place, role in places:
            join(person, place, role)
        clients[name] = Client()
        clients[name].force_login(person)
    return SimpleNamespace(**clients)


def user(name):
    return User.objects.get(username=name)


def sweep():
    with acting_as(UPKEEP):
        Reconciling(lambda words: None)()


def assert_logged_for(place, kind):
    """Assert that all that the office log tells of something is told to one organisation."""
    every = set(OfficeLogEntry.objects.filter(subject_kind=kind).values_list("pk", flat=True))
    with as_member(place.id):
        told = set(OfficeLogEntry.objects.filter(subject_kind=kind).values_list("pk", flat=True))
    assert every == told != set()


def words_told(mailoutbox, kept):
    """Return which organisations' names each addressee was told, and whether together."""
    told = {}
    messages = [(mail.to[0].split("@")[0], f"{mail.subject} {mail.body}") for mail in mailoutbox]
    messages += [(path.split("/")[-1], json.dumps(json.loads(sent))) for path, _, sent in kept]
    for who, text in messages:
        told.setdefault(who, []).append(frozenset(WORDS.findall(text)))
    return told


def test_nobody_is_told_of_what_they_do_not_work_for(three, people, mailoutbox):
    """New, reminders, escalations, assigned, worse and digests, by e-mail and by channels."""
    a, b = three.a, three.b
    often = {"band": "all", "delay_seconds": 0, "repeat_minutes": 30}
    hour_ago = (now() - timedelta(minutes=10)).time()
    daily = {"digest_at": hour_ago, "created_at": now() - timedelta(days=2)}
    with receiver() as (kept, url):
        for name, organisation in (("whole", None), ("ours", a.id), ("theirs", b.id)):
            channel = ChannelFactory(address=f"{url}/200/{name}", organisation_id=organisation)
            rule = NotificationRule.objects.create(channel=channel, **often, **daily)
            NotificationRule.objects.filter(pk=rule.pk).update(organisation_id=organisation)
            if name == "ours":  # also by a rule of the whole office, and by one of another's
                NotificationRule.objects.create(channel=channel, **often)
                NotificationRule.objects.create(channel=channel, organisation_id=b.id, **often)
        # From before there were organisations, with a next person who works elsewhere.
        NotificationRule.objects.create(
            user=user("vic"), next_user=user("ben"), next_minutes=15, **often, **daily
        )
        NotificationRule.objects.create(
            user=user("abe"),
            next_user=user("ann"),
            next_minutes=15,
            organisation_id=a.id,
            **often,
            **daily,
        )
        sweep()
        for place, name in ((a, "dan"), (b, "ben")):
            notice = Notice.objects.open().get(key__startswith=f"violation-task-{place.task.pk}")
            actions.assign_decision(notice, person=name, by=user("root"))
        for _ in range(3):
            let_pass(minutes=40)
            sweep()
            deliver()
        Notice.objects.open().update(worsened_at=now())
        sweep()
        deliver()
        told = words_told(mailoutbox, kept.requests)

    assert {who: set().union(*found) for who, found in told.items()} == {
        **{who: {"alpha"} for who in ("ann", "abe", "vic", "ours")},
        **{who: {"beta"} for who in ("ben", "theirs")},
        "dan": {"alpha", "beta"},
        "eve": {"omega"},
        **{who: {"alpha", "beta", "omega"} for who in ("root", "whole")},
    }
    for who in told.keys() - {"root", "whole"}:
        assert all(len(found) <= 1 for found in told[who]), "no message is of two organisations"
    assert not Delivery.objects.queued().exists()
    reasons = set(Delivery.objects.values_list("reason", flat=True))
    assert reasons == {"opened", "repeated", "escalated", "assigned", "worsened", "digest"}
    for place in (a, b, three.itself):
        with as_member(place.id):
            texts = {f"{row.subject} {row.body}" for row in Delivery.objects.all()}
        assert set().union(*map(WORDS.findall, texts)) == {place.name}
    of_whole = Delivery.objects.filter(organisation_id=None).values_list("addressee", flat=True)
    assert {each.partition(",")[0] for each in of_whole} == {
        "root",
        Channel.objects.get(organisation_id=None).name,
    }


def test_what_moved_or_who_left_before_a_message_goes_is_not_told(three, people, mailoutbox):
    def queued():
        sweep()
        let_pass(minutes=3)
        sweep()

    queued()
    OrganisationMember.objects.filter(user__username="abe").delete()
    Program.objects.filter(pk=three.b.program.pk).update(organisation_id=three.a.id)
    deliver()
    rows = {row.addressee.partition(",")[0]: row for row in Delivery.objects.order_by("queued_at")}
    assert rows["abe"].why == "The person works for this organisation no more."
    assert rows["ben"].why == "No longer so when it was to leave."
    assert {mail.to[0].split("@")[0] for mail in mailoutbox} == {"ann", "dan", "eve", "root"}
    assert "beta" not in "".join(mail.body for mail in mailoutbox if mail.to[0][:4] != "root")


def test_an_office_without_organisations_tells_all_and_marks_nothing(db, mailoutbox):
    UserFactory(username="eve", email="eve@example.org")
    NotificationRule.objects.create(user=UserFactory(username="vic", email="vic@example.org"))
    Notice.objects.create(key="x", kind="violation", broken=True, title="Broken", since=now())
    let_pass(minutes=3)
    assert queue_due_messages(now()) == 2
    assert set(Delivery.objects.values_list("organisation_id", flat=True)) == {None}


def test_a_member_makes_changes_and_deletes_rules_of_their_organisation(three, people):
    page, ann = reverse("notifications"), user("ann")
    shown = text_of(people.ann.get(page))
    names = re.findall(r'<option value="\d+">(\w+)</option>', shown)
    assert names == ["ann", "abe", "dan"]
    assert "You have no rule" in shown
    given = {"band": "all", "delay_seconds": "0", "next_minutes": "30", "is_on": "on"}
    refused = people.ann.post(page, given | {"next_user": user("ben").pk})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    kept = people.ann.post(page, given | {"next_user": user("abe").pk})
    assert kept.status_code == HTTPStatus.FOUND
    rule = NotificationRule.objects.get(user=ann)
    assert (rule.organisation_id, rule.next_user) == (three.a.id, user("abe"))
    assert "then abe after 30 min" in text_of(people.ann.get(page))
    without = people.ann.post(page, given | {"next_user": user("abe").pk, "next_minutes": ""})
    assert without.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    own = reverse("notification_rule", args=[rule.pk])
    assert people.ann.post(own, given).status_code == HTTPStatus.FOUND
    rule.refresh_from_db()
    assert rule.next_user is None
    shared = people.ann.post(f"{page}?office", given)
    assert shared.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, "a channel is wanted"
    for other in ("abe", "ben", "eve"):
        assert getattr(people, other).get(own).status_code == HTTPStatus.NOT_FOUND
    gone = people.ann.post(reverse("notification_rule_delete", args=[rule.pk]))
    assert gone.status_code == HTTPStatus.FOUND
    assert not NotificationRule.objects.exists()
    assert_logged_for(three.a, "notification_rule")
    # From before there were organisations: it is theirs to change still.
    old = NotificationRule.objects.create(user=user("eve"))
    assert people.eve.post(reverse("notification_rule", args=[old.pk]), given).status_code == 302


def test_a_channel_belongs_to_the_organisation_of_the_admin_who_makes_it(three, people, mailoutbox):
    ChannelFactory(name="of the whole office")
    given = {"name": "mine", "kind": "email", "address": "all@alpha.example", "secret": ""}
    made = people.adm.post(reverse("channels"), given)
    assert made.status_code == HTTPStatus.FOUND
    channel = Channel.objects.get(name="mine")
    assert channel.organisation_id == three.a.id
    rule = {"band": "all", "delay_seconds": "0", "channel": channel.pk, "is_on": "on"}
    assert people.ann.post(f"{reverse('notifications')}?office", rule).status_code == 302
    stored = NotificationRule.objects.get()
    assert (stored.user, stored.organisation_id) == (None, three.a.id)
    assert people.eve.post(f"{reverse('notifications')}?office", rule).status_code == 422
    tested = people.ann.post(reverse("channel_test", args=[channel.pk]))
    own = people.ann.post(reverse("notifications_test"))
    for answer in (tested, own):
        assert "Queued" in text_of(people.ann.get(answer.url))
        assert people.ben.get(answer.url).status_code == HTTPStatus.NOT_FOUND
    deliver()
    sent_to = {mail.to[0] for mail in mailoutbox}
    assert sent_to == {"all@alpha.example", "ann@example.org"}
    assert set(Delivery.objects.values_list("organisation_id", flat=True)) == {three.a.id}
    for name in ("ben", "eve", "root"):
        page = text_of(getattr(people, name).get(reverse("channels")))
        assert ("mine" in page, "of the whole office" in page) == ((name == "root"),) * 2
    # The whole office tells by it too, and has told: it goes all the same.
    NotificationRule.objects.create(channel=channel)
    DeliveryFactory(channel=channel, organisation_id=None)
    gone = people.adm.post(reverse("channel_delete", args=[channel.pk]))
    assert gone.status_code == HTTPStatus.FOUND
    assert not NotificationRule.objects.exists()


def decision(act, key):
    return reverse(f"decision_{act}", args=[key])


def test_a_member_foreman_takes_decisions_on_and_assigns_them_to_foremen_of_theirs(three, people):
    key = f"violation-task-{three.a.task.pk}-{violation_of(three.a)}"

    def noted():
        return Notice.objects.open().get(key=key)

    assert people.ann.post(decision("acknowledge", key)).status_code == HTTPStatus.FOUND
    assert (noted().acknowledged_by, noted().organisation_id) == ("ann", three.a.id)
    assert people.ann.post(decision("give_back", key)).status_code == HTTPStatus.FOUND
    assert people.ann.post(decision("snooze", key), {"minutes": 60}).status_code == HTTPStatus.FOUND
    assert people.ann.post(decision("wake", key)).status_code == HTTPStatus.FOUND
    assert people.ann.post(decision("assign", key), {"person": "dan"}).status_code == 302
    assert noted().assigned_to == "dan"
    ann = user("ann")
    for name in ("ben", "vic", "eve", "root", "nobody"):
        answer = people.ann.post(decision("assign", key), {"person": name})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, name
        with as_member(three.a.id), pytest.raises(Refused) as refused:
            actions.assign_decision(noted(), person=name, by=ann)
        assert refused.value.message == f"{name} cannot decide: choose a foreman."
    assert noted().assigned_to == "dan"
    with pytest.raises(Refused):
        actions.assign_decision(noted(), person="ben", by=user("root"))
    actions.assign_decision(noted(), person="root", by=user("root"))
    assert people.ben.post(decision("acknowledge", key)).status_code == HTTPStatus.CONFLICT
    assert_logged_for(three.a, "decision")
    # What is the office's own is decided there.
    key = f"violation-task-{three.itself.task.pk}-{violation_of(three.itself)}"
    assert people.eve.post(decision("assign", key), {"person": "eve"}).status_code == 302
    with pytest.raises(Refused):
        actions.assign_decision(noted(), person="ann", by=user("root"))


def violation_of(place):
    with member_of(place) as session:
        return session.execute("SELECT violation_id FROM governance_violations").fetchone()[0]


def test_a_handover_tells_a_member_what_is_theirs(three, people, mailoutbox):
    sweep()
    for place, name in ((three.a, "ann"), (three.b, "ben"), (three.itself, "eve")):
        key = f"violation-task-{place.task.pk}-{violation_of(place)}"
        assert getattr(people, name).post(decision("acknowledge", key)).status_code == 302
    page = text_of(people.ann.get(reverse("handover")))
    text = text_of(people.ann.get(reverse("handover"), {"export": ""}))
    for shown in (page, text):
        assert "task of alpha" in shown
        assert re.search("(by|·) ann", shown)
        assert not OTHERS.search(shown)
        assert not re.search(r"\b(ben|eve|root)\b", shown)
    people_offered = re.search('(?s)<select id="handover-person".*?</select>', page)[0]
    assert re.findall('value="(.*?)"', people_offered) == ["ann", "abe", "dan"]
    since, until = re.search(r"since=([\d_~-]+)&amp;until=([\d_~-]+)", page).groups()
    span = {"since": since, "until": until}
    mail = reverse("handover_mail")
    assert people.ann.post(mail, span | {"person": "ben"}).status_code == 422
    assert people.ann.post(mail, span | {"person": "abe"}).status_code == HTTPStatus.FOUND
    deliver()
    [sent] = mailoutbox
    assert sent.to == ["abe@example.org"]
    assert "task of alpha" in sent.body
    assert not OTHERS.search(sent.body)
    assert Delivery.objects.get().organisation_id == three.a.id


def test_a_message_that_did_not_arrive_is_a_decision_of_those_whose_it_was(three, people):
    target = Target(user=user("dan"))
    failed = {"state": "failed", "why": "No such mailbox.", "finished_at": now(), "channel": None}
    for organisation in (three.a.id, three.b.id, None, ITSELF):
        name = target.words
        DeliveryFactory(target=target.key, addressee=name, organisation_id=organisation, **failed)
    sweep()
    keys = {
        organisation: f"delivery-{target.key}{f'-{organisation}' if organisation else ''}"
        for organisation in (three.a.id, three.b.id, None, ITSELF)
    }
    found = Notice.objects.open().filter(kind="delivery")
    assert dict(found.values_list("key", "organisation_id")) == {
        key: organisation or ITSELF for organisation, key in keys.items()
    }
    seen = {
        name: {key for key in keys.values() if decision("acknowledge", key) in text_of(inbox)}
        for name, client in vars(people).items()
        if name in ("ann", "ben", "eve", "root") and (inbox := client.get(reverse("inbox")))
    }
    assert seen == {
        "ann": {keys[three.a.id]},
        "ben": {keys[three.b.id]},
        "eve": {keys[ITSELF]},
        "root": {*keys.values()},
    }
    assert people.ann.post(decision("acknowledge", keys[three.a.id])).status_code == 302
    assert people.ann.post(decision("acknowledge", keys[three.b.id])).status_code == 409
    again = people.ann.post(reverse("deliveries_resend", args=[target.key]))
    assert again.status_code == HTTPStatus.FOUND
    assert set(Delivery.objects.queued().values_list("organisation_id", flat=True)) == {three.a.id}
    aside = people.ben.post(reverse("deliveries_set_aside", args=[target.key]))
    assert aside.status_code == HTTPStatus.FOUND
    left = Delivery.objects.given_up().values_list("organisation_id", flat=True)
    assert set(left) == {None, ITSELF}
    told = people.ann.get(reverse("broken_now")).json()["broken"]
    assert told
    assert not OTHERS.search(json.dumps(told))


def test_what_a_shared_builder_spent_is_no_matter_of_whose_task_it_holds(three):
    """It is noted as the office's, and stays so when the builder takes another's task."""
    BudgetFactory(program=None, builder=three.a.builder, amount=1)
    Budget.objects.filter(builder=three.a.builder).update(spent=2)
    sweep()
    notice = Notice.objects.open().get(key=f"budget-builder-{three.a.builder.pk}")
    assert (notice.organisation_id, notice.program_id) == (ITSELF, None)


def test_what_is_read_of_one_organisation_is_unread_in_another(three, people):
    def read(place, *, text):
        people.dan.post(reverse("organisation_choose"), {"organisation": place.id})
        page = text_of(people.dan.get(reverse("handover")))
        assert text in page
        upto = re.search('name="place" value="(.*?)"', page)[1]
        people.dan.post(reverse("handover_read"), {"place": upto})
        assert text not in text_of(people.dan.get(reverse("handover")))

    read(three.b, text="entity note of beta")
    read(three.a, text="entity note of alpha")  # and on, beyond all that there is of the other
    EntityNoteFactory(wave=three.b.wave, text="One more.")
    read(three.b, text="One more.")
