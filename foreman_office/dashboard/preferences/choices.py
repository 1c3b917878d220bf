"""The preferences of how pages look and behave, and their choices."""

from collections.abc import Callable, Collection

from django.http import HttpRequest

from kit.web.timezones import zones

THEMES = {"system": "System", "light": "Light", "dark": "Dark"}
KEYS = {"on": "On", "off": "Off"}

# What may be chosen of how pages look and behave, and from what. It is kept with the browser.
CHOICES: dict[str, Callable[[], Collection[str]]] = {
    "theme": lambda: THEMES,
    "keys": lambda: KEYS,
    "zone": zones,
}


def chosen(request: HttpRequest, name: str, usual: str) -> str:
    choice = request.COOKIES.get(name, usual)
    return choice if choice in CHOICES[name]() else usual
