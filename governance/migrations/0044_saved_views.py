"""Lists that people saved under a name."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kit.core.sql


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0043_archive"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "view_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("place", models.TextField()),
                ("name", models.TextField()),
                ("query", models.TextField(blank=True, db_default="")),
                ("is_shared", models.BooleanField(db_default=False, default=False)),
                ("is_default", models.BooleanField(db_default=False, default=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DB_CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "saved_views",
                "ordering": ["name", "view_id"],
                "indexes": [
                    models.Index(
                        models.F("place"),
                        condition=models.Q(("is_shared", True)),
                        name="idx_saved_views_shared",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "place", "name"),
                        name="saved_views_one_of_a_name",
                        violation_error_message="You have a view of this name for this list.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("user", "place"),
                        name="saved_views_one_default",
                        violation_error_message="Another view opens with this list.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "\\S")),
                        name="saved_views_name_check",
                        violation_error_message="A view has a name.",
                    ),
                ],
            },
        ),
    ]
