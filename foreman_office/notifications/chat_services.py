"""The services that channels reach through Apprise: those of its services that speak HTTP alone.

None runs a program, reads a file, or takes a plug-in; what is not listed here is never imported.
"""

from typing import NamedTuple


class ChatService(NamedTuple):
    name: str
    module: str  # of apprise.plugins
    plugin: str


SLACK = ChatService("Slack", "slack", "NotifySlack")
TEAMS = ChatService("Microsoft Teams", "workflows", "NotifyWorkflows")
DISCORD = ChatService("Discord", "discord", "NotifyDiscord")
NTFY = ChatService("ntfy", "ntfy", "NotifyNtfy")
TELEGRAM = ChatService("Telegram", "telegram", "NotifyTelegram")
MATTERMOST = ChatService("Mattermost", "mattermost", "NotifyMattermost")
ROCKET_CHAT = ChatService("Rocket.Chat", "rocketchat", "NotifyRocketChat")
GOOGLE_CHAT = ChatService("Google Chat", "google_chat", "NotifyGoogleChat")
WEBEX = ChatService("Webex", "webexteams", "NotifyWebexTeams")
ZOOM = ChatService("Zoom", "zoom", "NotifyZoom")
ZULIP = ChatService("Zulip", "zulip", "NotifyZulip")
SIGNAL = ChatService("Signal", "signal_api", "NotifySignalAPI")
GOTIFY = ChatService("Gotify", "gotify", "NotifyGotify")
PUSHOVER = ChatService("Pushover", "pushover", "NotifyPushover")
PAGERDUTY = ChatService("PagerDuty", "pagerduty", "NotifyPagerDuty")
OPSGENIE = ChatService("Opsgenie", "opsgenie", "NotifyOpsgenie")

SERVICES = {
    "slack": SLACK,
    **dict.fromkeys(["workflows", "workflow"], TEAMS),
    "discord": DISCORD,
    **dict.fromkeys(["ntfys", "ntfy"], NTFY),
    "tgram": TELEGRAM,
    **dict.fromkeys(["mmosts", "mmost"], MATTERMOST),
    **dict.fromkeys(["rockets", "rocket"], ROCKET_CHAT),
    "gchat": GOOGLE_CHAT,
    **dict.fromkeys(["webex", "wxteams"], WEBEX),
    "zoom": ZOOM,
    "zulip": ZULIP,
    **dict.fromkeys(["signals", "signal"], SIGNAL),
    **dict.fromkeys(["gotifys", "gotify"], GOTIFY),
    "pover": PUSHOVER,
    "pagerduty": PAGERDUTY,
    "opsgenie": OPSGENIE,
}
# What services give out themselves is taken as it is: https://hooks.slack.com/services/…
OWN_ADDRESSES = ("https", "http")


def scheme_of(address: str) -> str:
    return address.partition("://")[0].lower() if "://" in address else ""


def known_services() -> str:
    """Return the services in words, each with what its addresses begin with."""
    first = {service: scheme for scheme, service in reversed(SERVICES.items())}
    return ", ".join(f"{each.name} ({first[each]}://)" for each in dict.fromkeys(SERVICES.values()))
