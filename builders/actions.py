"""What can be done with builders, each as one function."""

import hashlib
import secrets

from django.utils.timezone import now

from builders.models import Builder, BuilderToken
from foreman_office.kit.acts import Actor, act
from programs.models import Task

TOKEN_PREFIX_LENGTH = 8


def issue_token(builder: Builder, *, by: Actor) -> tuple[BuilderToken, str]:
    """Give the builder one more token, and return its row and its text.

    Only the SHA-256 is stored: the text cannot be shown again.
    """
    text = f"fo_{secrets.token_urlsafe(32)}"
    with act(by):
        token = BuilderToken.objects.create(
            builder=builder, prefix=text[:TOKEN_PREFIX_LENGTH], digest=token_digest(text)
        )
    return token, text


def revoke_token(token: BuilderToken, *, by: Actor) -> BuilderToken:
    """End the token's validity for good."""
    with act(by):
        if token.revoked_at is None:
            token.revoked_at = now()
            token.save(update_fields=["revoked_at"])
    return token


def token_digest(text: str) -> bytes:
    """Return what is stored of a token: the SHA-256 of its text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def assign_task(task: Task, builder: Builder, *, by: Actor) -> Task:
    """Put a task into a builder's hands. Work begins with its first active heartbeat."""
    with act(by):
        task.state = Task.State.ASSIGNED
        task.assigned_builder = builder.builder_id
        task.save(update_fields=["state", "assigned_builder"])
        builder.current_task = task
        builder.save(update_fields=["current_task"])
    return task


def release_task(task: Task, *, by: Actor) -> Task:
    """Take a task back from the builder that holds it, to be planned again."""
    with act(by):
        Builder.objects.filter(current_task=task).update(current_task=None)
        task.state = Task.State.PLANNED
        task.save(update_fields=["state"])
    return task


def complete_task(task: Task, *, by: Actor) -> Task:
    """Finish a task and free the builder that holds it."""
    with act(by):
        Builder.objects.filter(current_task=task).update(current_task=None)
        task.state = Task.State.COMPLETED
        task.progress_percentage = 100
        task.completed_at = now()
        task.save(update_fields=["state", "progress_percentage", "completed_at"])
    return task
