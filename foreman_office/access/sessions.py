"""Sessions in the database, of which a reader of the database cannot take one over.

The cookie holds the key; the table holds its SHA-256. A key is random enough (190 bits) that no
salt or stretching adds to that.
"""

import hashlib
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.utils.timezone import now

from governance.models import OfficeSession


def digest_of_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class SessionStore(db.SessionStore):
    """Django's store, with a digest wherever it would write or look up the key."""

    @classmethod
    def get_model_class(cls) -> type[OfficeSession]:
        return OfficeSession

    def _get_session_from_db(self) -> OfficeSession | None:
        found = OfficeSession.objects.filter(
            session_key=digest_of_key(self.session_key or ""), expire_date__gt=now()
        ).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> OfficeSession:
        return OfficeSession(
            session_key=digest_of_key(self._get_or_create_session_key()),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=data.get(SESSION_KEY),
        )

    def save(self, must_create: bool = False) -> None:
        """Save the session, unless this office only reads."""
        if not settings.FOREMAN_READ_ONLY:
            super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        if settings.FOREMAN_READ_ONLY:
            return
        if key := session_key or self.session_key:
            OfficeSession.objects.filter(session_key=digest_of_key(key)).delete()

    async def acreate_model_instance(self, data: dict[str, Any]) -> OfficeSession:
        return self.create_model_instance(data)

    async def _aget_session_from_db(self) -> OfficeSession | None:
        return await sync_to_async(self._get_session_from_db)()

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)


def other_sessions(user: User, key: str | None) -> Any:
    """Return the sessions of a user apart from the one with this key."""
    alive = OfficeSession.objects.filter(user=user, expire_date__gt=now())
    return alive.exclude(session_key=digest_of_key(key or ""))
