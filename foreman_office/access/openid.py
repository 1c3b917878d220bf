"""A login by OpenID Connect: the code flow with PKCE, state and nonce, by Authlib.

What the provider says is believed only as an ID token that it signed for this office, just now.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import MismatchingStateError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from joserfc.errors import ExpiredTokenError, JoseError
from requests import RequestException

from foreman_office.access.attempts import let_the_connection_go
from kit.core.turns import NoTurn, Turns
from kit.web.later import too_crowded
from kit.web.provider_settings import is_safe_to_ask

TIMEOUT = 5  # seconds for each of the three requests to the provider
LEEWAY = 60  # seconds by which the provider's clock may be wrong
# Signatures by a key that the provider alone has.
ALGORITHMS = {f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

# What Authlib and joserfc raise for an answer of another form.
NOT_UNDERSTOOD = (KeyError, TypeError, ValueError)

# A provider that hangs holds two threads of a process, not all.
asking = Turns(at_once=2, waiting=3, patience=TIMEOUT)
RETRY_WHEN_CROWDED = 5


class Denied(Exception):
    """A login that the provider, or the office, does not accept.

    `reason` and `user` are for the log, the message for the page.
    """

    def __init__(
        self, reason: str, message: str, status: int = 403, user: str = "(no user)"
    ) -> None:
        super().__init__(message)
        self.reason, self.message, self.status, self.user = reason, message, status, user


def is_configured() -> bool:
    return bool(settings.FOREMAN_OPENID_ISSUER)


def address_to_ask(request: HttpRequest) -> str:
    """Return the provider's address for a login, and keep what its answer must match."""
    with asking_provider(request):
        client = provider()
        begun = client.create_authorization_url(callback_address(request))
        client.save_authorize_data(request, redirect_uri=callback_address(request), **begun)
    return begun["url"]


def claims_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the provider says about the one that it sends back with this request."""
    issuer, client_id = settings.FOREMAN_OPENID_ISSUER, settings.FOREMAN_OPENID_CLIENT_ID
    expected = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True, "allow_blank": False},
    }
    with asking_provider(request):
        token = provider().authorize_access_token(request, claims_options=expected, leeway=LEEWAY)
        if not token.get("userinfo"):
            raise Denied("no ID token", f"{provider_name()} sent no proof of who you are.")
        return token["userinfo"]


def callback_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("openid_callback"))


def provider_name() -> str:
    return settings.FOREMAN_OPENID_NAME


# --- the provider ---------------------------------------------------------------------------------


def provider() -> Any:
    """Return Authlib's client, which knows the provider's addresses and keys once it has asked."""
    client = client_of(
        settings.FOREMAN_OPENID_ISSUER,
        settings.FOREMAN_OPENID_CLIENT_ID,
        settings.FOREMAN_OPENID_CLIENT_SECRET,
        settings.FOREMAN_OPENID_SCOPE,
    )
    check_metadata(client.load_server_metadata())
    return client


@lru_cache(maxsize=1)
def client_of(issuer: str, client_id: str, secret: str, scope: str) -> Any:
    return OAuth().register(
        "openid",
        client_id=client_id,
        client_secret=secret or None,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": scope,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT,
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
        },
    )


def check_metadata(metadata: dict[str, Any]) -> None:
    """Raise Denied for a provider that is another than the configured one, or unsafe to ask."""
    if metadata.get("issuer") != settings.FOREMAN_OPENID_ISSUER:
        raise Denied("wrong issuer", f"{provider_name()} says that it is another provider.", 503)
    if not all(is_safe_to_ask(str(metadata.get(name, ""))) for name in ENDPOINTS):
        raise Denied("unsafe endpoint", f"{provider_name()} cannot be asked safely.", 503)
    said = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = sorted(ALGORITHMS & {*said})


@contextmanager
def asking_provider(request: HttpRequest) -> Iterator[None]:
    """Run requests to the provider in turn; raise Denied where an answer cannot be believed.

    What was known about it is forgotten then, and asked for again at the next login.
    """
    request.session.items()  # read now, so that no connection is held while the provider thinks
    let_the_connection_go()
    try:
        with asking.turn():
            yield
    except NoTurn:
        raise too_crowded(RETRY_WHEN_CROWDED) from None
    except MismatchingStateError as error:
        raise denial_of(error) from error
    except (JoseError, AuthlibBaseError, RequestException, *NOT_UNDERSTOOD) as error:
        client_of.cache_clear()
        raise denial_of(error) from error
    except Denied:
        client_of.cache_clear()
        raise


def denial_of(error: Exception) -> Denied:
    """Return what an error of the provider means, in words for the log and for the page."""
    name = provider_name()
    match error:
        case MismatchingStateError():
            words = "This login was begun elsewhere, took too long, or was finished already."
            return Denied("unknown state", f"{words} Begin again.", 400)
        case ExpiredTokenError():
            return Denied("expired token", f"What {name} sent has expired. Begin again.")
        case JoseError():
            words = f"What {name} sent is not for this office, or not from {name}."
            return Denied(f"invalid token: {error.error}", words)
        case AuthlibBaseError():
            # The provider's own word for it comes by way of the browser.
            word = error.error if re.fullmatch("[a-z_]{1,40}", error.error or "") else "unknown"
            return Denied(f"refused by the provider: {word}", f"{name} refused the login.")
        case RequestException():
            words = f"{name} cannot be reached. Try again later, or log in with a password."
            return Denied("provider away", words, 503)
    return Denied(f"not understood: {type(error).__name__}", f"{name} cannot be understood.", 503)
