"""Questions of builders to the foreman."""

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import LessThan

from builders.models.builders import Builder
from kit.core.sql import ContractNow, Grams, GramsIndex, Lines, RandomUUID
from kit.web.addresses import address_of
from programs.models import Task

MOST_OPTIONS = 10
MOST_OPEN = 5  # questions of one task that wait for an answer


class QuestionQuerySet(models.QuerySet):
    def open(self):
        """Return the questions that wait for an answer."""
        return self.filter(answered_at=None, withdrawn_at=None)


class Question(models.Model):
    """What a builder asks the foreman about its task, and the answer.

    The answer is one of the options, a text, or both. A question without an answer is withdrawn by
    its builder, or when the builder no longer has the task.
    """

    question_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="questions", db_index=False)
    builder = models.ForeignKey(Builder, models.PROTECT, related_name="questions", db_index=False)
    question = models.TextField()
    options = models.JSONField(db_default=[])
    asked_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)
    chosen_option = models.IntegerField(null=True, blank=True)  # its place among the options
    answer = models.TextField(blank=True, db_default="")
    answered_by = models.TextField(blank=True, db_default="")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_because = models.TextField(blank=True, db_default="")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        db_table = "task_questions"
        constraints = [
            models.CheckConstraint(
                condition=Q(question__regex=r"\S"),
                name="task_questions_question_check",
                violation_error_message="A question needs a text.",
            ),
            models.CheckConstraint(
                condition=models.Func(
                    "options",
                    function="builders_are_options",
                    output_field=models.BooleanField(),
                ),
                name="task_questions_options_check",
                violation_error_message=f"Options are at most {MOST_OPTIONS} different texts.",
            ),
            models.CheckConstraint(
                condition=Q(chosen_option=None)
                | (
                    Q(chosen_option__gte=0)
                    & LessThan(
                        F("chosen_option"),
                        models.Func(
                            "options",
                            function="jsonb_array_length",
                            output_field=models.IntegerField(),
                        ),
                    )
                ),
                name="task_questions_chosen_option_check",
                violation_error_message="The question has no such option.",
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, chosen_option=None, answer="")
                | Q(answered_at__isnull=False, withdrawn_at=None)
                & (Q(chosen_option__isnull=False) | Q(answer__regex=r"\S")),
                name="task_questions_answer_check",
                violation_error_message="An answer chooses an option or has a text.",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_because__regex=r"\S"),
                name="task_questions_withdrawn_because_check",
                violation_error_message="A question is withdrawn for a reason.",
            ),
        ]
        indexes = [
            models.Index("task", F("asked_at").desc(), name="idx_task_questions_task"),
            models.Index(
                "asked_at",
                name="idx_task_questions_open",
                condition=Q(answered_at=None, withdrawn_at=None),
            ),
            models.Index(F("asked_at").desc(), name="idx_task_questions_newest"),
            GramsIndex(Grams(Lines("question", "answer")), name="idx_task_questions_grams"),
            # What a heartbeat is answered with.
            models.Index(
                "builder",
                "task",
                F("answered_at").desc(),
                name="idx_task_questions_answered",
            ),
        ]

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        return address_of("programs:task", self.task_id)

    @property
    def is_open(self) -> bool:
        return self.answered_at is None and self.withdrawn_at is None

    @property
    def option(self) -> str | None:
        """Return the text of the option that was chosen."""
        return None if self.chosen_option is None else self.options[self.chosen_option]
