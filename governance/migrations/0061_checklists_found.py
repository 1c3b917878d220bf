"""Beside those at work: the index by which a search finds validations."""

from django.db import migrations, models

import kit.core.sql


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("governance", "0060_checklist_texts"),
    ]

    operations = [
        kit.core.sql.AddIndexConcurrently(
            model_name="architecturevalidation",
            index=kit.core.sql.GramsIndex(
                kit.core.sql.Grams(
                    models.Func(
                        "validation_results",
                        function="governance_checklist_text",
                        output_field=models.TextField(),
                    )
                ),
                name="idx_arch_validations_grams",
            ),
        ),
    ]
