"""What a row of evidence says, as a search reads it."""

from django.db import migrations

import kit.core.rules


class Migration(migrations.Migration):
    dependencies = [
        ("builders", "0017_questions_found"),
        ("governance", "0052_handover_readings"),
        ("programs", "0022_plan_texts_found"),
    ]

    operations = [
        kit.core.rules.ChangeRules(
            after={
                "governance_evidence_says": r"""
                CREATE OR REPLACE FUNCTION governance_evidence_says(context jsonb) RETURNS boolean
                LANGUAGE sql IMMUTABLE PARALLEL SAFE
                BEGIN ATOMIC
                    SELECT jsonb_path_exists(context, 'strict $.** ? (@.type() == "string")');
                END;
                """,
                "governance_evidence_text": r"""
                CREATE OR REPLACE FUNCTION governance_evidence_text(context jsonb) RETURNS text
                LANGUAGE sql IMMUTABLE PARALLEL SAFE
                BEGIN ATOMIC
                    SELECT jsonb_path_query_array(context, 'strict $.** ? (@.type() == "string"
                        && !(@ like_regex "^([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]+)$"))'
                    )::text;
                END;
                """,
            },
        ),
    ]
