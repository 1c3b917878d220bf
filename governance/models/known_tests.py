"""The tests of all suites, each once, by which a search finds them."""

from django.db import models

from kit.core.sql import Grams, GramsIndex, Lines


class KnownTest(models.Model):
    """A test that some run of a suite names. Beside the contract.

    Triggers keep it (governance_keep_test_names), and upkeep removes what no run names any more
    (governance_prune_known_tests); nobody else writes it.
    """

    known_test_id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(max_length=32)  # of both: governance_test_digest()
    qa_suite_location = models.TextField()
    name = models.TextField()
    first_run_id = models.UUIDField()  # that had it, or another if that is gone

    class Meta:
        db_table = "known_tests"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="known_tests_digest_key"),
        ]
        indexes = [
            GramsIndex(Grams(Lines("name")), name="idx_known_tests_grams"),
        ]

    def __str__(self) -> str:
        return self.name
