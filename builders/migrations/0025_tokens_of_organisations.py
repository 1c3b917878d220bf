"""Beside those at work: the indexes by which the tokens of an organisation are found."""

from django.db import migrations, models

from kit.core.sql import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("builders", "0024_token_organisations"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="buildertoken",
            index=models.Index("organisation", name="idx_builder_tokens_org"),
        ),
        AddIndexConcurrently(
            model_name="citoken",
            index=models.Index("organisation", name="idx_ci_tokens_org"),
        ),
    ]
