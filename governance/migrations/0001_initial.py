import datetime

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.fields.json
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import migrations, models

import kit.core.rules
import kit.core.sql

ROLES = ["foreman", "viewer", "admin", "builder"]
GOVERNED = ["programs", "builders", "governance"]


def foreign_key(table, column, parent, key, action=""):
    """Return the foreign key that the contract states, under the name that PostgreSQL gives it."""
    name = f"{table}_{column}_fkey"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name}"
        f" FOREIGN KEY ({column}) REFERENCES {parent} ({key}) {action}",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def make_roles(apps, schema_editor):
    """Make the four groups; the admin's has every permission on our own models.

    Django makes permissions after the last migration. They are made here a little earlier, because
    a group needs them now.
    """
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for label in GOVERNED:
        config = apps.get_app_config(label)
        config.models_module = True
        create_contenttypes(config, apps=apps, verbosity=0)
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in ROLES}
    groups["admin"].permissions.add(
        *Permission.objects.filter(content_type__app_label__in=GOVERNED)
    )


def take_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("builders", "0001_initial"),
        ("programs", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Blocker",
            fields=[
                (
                    "blocker_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "entity_type",
                    models.TextField(
                        choices=[("program", "Program"), ("wave", "Wave"), ("task", "Task")]
                    ),
                ),
                ("entity_id", models.UUIDField()),
                (
                    "classification",
                    models.TextField(
                        choices=[
                            ("architecture_qa_mismatch", "Architecture and QA disagree"),
                            ("impossible_requirements", "Impossible requirements"),
                            ("protected_path", "Protected path"),
                            ("repeated_failures", "Repeated failures"),
                            ("constitutional_violation", "Constitutional violation"),
                            ("builder_stall", "Builder stall"),
                        ]
                    ),
                ),
                ("description", models.TextField()),
                (
                    "detected_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolution_action", models.TextField(blank=True, null=True)),
                ("occurrences", models.IntegerField(db_default=1, editable=False)),
            ],
            options={
                "db_table": "blockers",
                "indexes": [
                    models.Index(
                        models.F("entity_type"), models.F("entity_id"), name="idx_blockers_entity"
                    ),
                    models.Index(
                        models.F("resolved_at"),
                        condition=models.Q(("resolved_at", None)),
                        name="idx_blockers_unresolved",
                    ),
                    models.Index(
                        models.OrderBy(models.F("detected_at"), descending=True),
                        models.OrderBy(models.F("blocker_id"), descending=True),
                        name="idx_blockers_detected",
                    ),
                    models.Index(
                        models.OrderBy(models.F("resolved_at"), descending=True),
                        models.OrderBy(models.F("blocker_id"), descending=True),
                        condition=models.Q(("resolved_at__isnull", False)),
                        name="idx_blockers_resolved",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("entity_type__in", ["program", "wave", "task"])),
                        name="blockers_entity_type_check",
                        violation_error_message="entity_type must be one of program, wave, task.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "classification__in",
                                [
                                    "architecture_qa_mismatch",
                                    "impossible_requirements",
                                    "protected_path",
                                    "repeated_failures",
                                    "constitutional_violation",
                                    "builder_stall",
                                ],
                            )
                        ),
                        name="blockers_classification_check",
                        violation_error_message="classification must be one of architecture_qa_mismatch, impossible_requirements, protected_path, repeated_failures, constitutional_violation, builder_stall.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at", None)),
                        fields=("entity_type", "entity_id", "classification"),
                        name="blockers_one_open_per_entity_and_classification",
                        violation_error_message="This is already open as a blocker.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "evidence_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "entity_type",
                    models.TextField(
                        choices=[
                            ("program", "Program"),
                            ("wave", "Wave"),
                            ("task", "Task"),
                            ("builder", "Builder"),
                        ]
                    ),
                ),
                ("entity_id", models.UUIDField()),
                ("action", models.TextField()),
                ("actor", models.TextField()),
                ("backend", models.TextField(blank=True, null=True)),
                ("model", models.TextField(blank=True, null=True)),
                ("context", models.JSONField(db_default={})),
                (
                    "timestamp",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
            ],
            options={
                "verbose_name_plural": "evidence",
                "db_table": "evidence_trail",
                "indexes": [
                    models.Index(
                        models.F("entity_type"),
                        models.F("entity_id"),
                        models.OrderBy(models.F("timestamp"), descending=True),
                        name="idx_evidence_entity",
                    ),
                    models.Index(
                        models.OrderBy(models.F("timestamp"), descending=True),
                        name="idx_evidence_timestamp",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("entity_type__in", ["program", "wave", "task", "builder"])
                        ),
                        name="evidence_trail_entity_type_check",
                        violation_error_message="entity_type must be one of program, wave, task, builder.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ArchitectureValidation",
            fields=[
                (
                    "validation_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="validations",
                        to="programs.task",
                    ),
                ),
                ("architecture_reference", models.TextField()),
                ("validation_results", models.JSONField()),
                ("pass_rate", models.DecimalField(decimal_places=2, max_digits=5)),
                (
                    "build_readiness",
                    models.TextField(choices=[("READY", "Ready"), ("NOT_READY", "Not ready")]),
                ),
                (
                    "validated_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("validated_by", models.TextField(db_default="foreman")),
            ],
            options={
                "db_table": "architecture_validations",
                "indexes": [
                    models.Index(models.F("task"), name="idx_arch_validations_task"),
                    models.Index(
                        models.OrderBy(models.F("validated_at"), descending=True),
                        models.OrderBy(models.F("validation_id"), descending=True),
                        name="idx_arch_validations_newest",
                    ),
                    models.Index(
                        fields=["-validated_at", "-validation_id"],
                        include=("build_readiness",),
                        name="idx_arch_validations_ready",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pass_rate__range", (0, 100))),
                        name="architecture_validations_pass_rate_check",
                        violation_error_message="pass_rate must be between 0 and 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("build_readiness__in", ["READY", "NOT_READY"])),
                        name="architecture_validations_build_readiness_check",
                        violation_error_message="build_readiness must be one of READY, NOT_READY.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("build_readiness", "READY"), ("pass_rate", 100)),
                            models.Q(("build_readiness", "NOT_READY"), ("pass_rate__lt", 100)),
                            _connector="OR",
                        ),
                        name="architecture_validations_ready_means_all",
                        violation_error_message="READY means a pass rate of 100, and nothing else does.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GovernanceViolation",
            fields=[
                (
                    "violation_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="programs.task",
                    ),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="violations",
                        to="builders.builder",
                    ),
                ),
                ("violation_type", models.TextField()),
                ("description", models.TextField()),
                (
                    "detected_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("resolution", models.TextField(blank=True, null=True)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "governance_violations",
                "indexes": [
                    models.Index(models.F("task"), name="idx_violations_task"),
                    models.Index(models.F("builder"), name="idx_violations_builder"),
                    models.Index(
                        models.F("resolved_at"),
                        condition=models.Q(("resolved_at", None)),
                        name="idx_violations_unresolved",
                    ),
                    models.Index(
                        models.OrderBy(models.F("detected_at"), descending=True),
                        models.OrderBy(models.F("violation_id"), descending=True),
                        name="idx_violations_detected",
                    ),
                    models.Index(
                        models.OrderBy(models.F("resolved_at"), descending=True),
                        models.OrderBy(models.F("violation_id"), descending=True),
                        condition=models.Q(("resolved_at__isnull", False)),
                        name="idx_violations_resolved",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QAExecution",
            fields=[
                (
                    "execution_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="qa_executions",
                        to="programs.task",
                    ),
                ),
                ("qa_suite_location", models.TextField(verbose_name="QA suite location")),
                ("total_tests", models.IntegerField()),
                ("passing_tests", models.IntegerField()),
                ("failing_tests", models.IntegerField()),
                ("skipped_tests", models.IntegerField()),
                ("test_debt_count", models.IntegerField(db_default=0)),
                (
                    "qa_status",
                    models.TextField(
                        choices=[("RED", "Red"), ("PARTIAL", "Partial"), ("GREEN", "Green")],
                        verbose_name="QA status",
                    ),
                ),
                (
                    "executed_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                (
                    "execution_time_ms",
                    models.IntegerField(blank=True, null=True, verbose_name="execution time (ms)"),
                ),
            ],
            options={
                "db_table": "qa_executions",
                "indexes": [
                    models.Index(
                        models.F("task"),
                        models.OrderBy(models.F("executed_at"), descending=True),
                        name="idx_qa_executions_task",
                    ),
                    models.Index(
                        fields=["task", "qa_suite_location", "-executed_at", "-execution_id"],
                        include=("qa_status",),
                        name="idx_qa_executions_latest",
                    ),
                    models.Index(
                        models.OrderBy(models.F("executed_at"), descending=True),
                        models.OrderBy(models.F("execution_id"), descending=True),
                        name="idx_qa_executions_newest",
                    ),
                    models.Index(
                        fields=["-executed_at", "-execution_id"],
                        include=("qa_status", "passing_tests", "total_tests"),
                        name="idx_qa_executions_figures",
                    ),
                    models.Index(
                        models.OrderBy(models.F("executed_at"), descending=True),
                        models.OrderBy(models.F("execution_id"), descending=True),
                        condition=models.Q(("test_debt_count__gt", 0)),
                        name="idx_qa_executions_debt",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("qa_status__in", ["RED", "PARTIAL", "GREEN"])),
                        name="qa_executions_qa_status_check",
                        violation_error_message="qa_status must be one of RED, PARTIAL, GREEN.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("failing_tests__gte", 0),
                            ("passing_tests__gte", 0),
                            ("skipped_tests__gte", 0),
                            ("test_debt_count__gte", 0),
                        ),
                        name="qa_executions_counts_not_negative",
                        violation_error_message="A count of tests cannot be negative.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("passing_tests", 0), ("qa_status", "RED")),
                            models.Q(
                                ("passing_tests__gt", 0),
                                ("qa_status", "GREEN"),
                                ("test_debt_count", 0),
                                ("total_tests", models.F("passing_tests")),
                            ),
                            models.Q(
                                models.Q(
                                    models.Q(
                                        ("total_tests", models.F("passing_tests")), _negated=True
                                    ),
                                    ("test_debt_count__gt", 0),
                                    _connector="OR",
                                ),
                                ("passing_tests__gt", 0),
                                ("qa_status", "PARTIAL"),
                            ),
                            _connector="OR",
                        ),
                        name="qa_executions_status_follows_counts",
                        violation_error_message="GREEN means that there are tests, all pass and there is no debt; RED that nothing passes; PARTIAL is everything between.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total_tests",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("passing_tests"), "+", models.F("failing_tests")
                                    ),
                                    "+",
                                    models.F("skipped_tests"),
                                ),
                            )
                        ),
                        name="qa_executions_counts_add_up",
                        violation_error_message="total_tests must be passing + failing + skipped.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Watcher",
            fields=[
                (
                    "watcher_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("period", models.DurationField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("swept_at", models.DateTimeField(db_default=kit.core.sql.ContractNow())),
                ("pruned_at", models.DateTimeField(blank=True, null=True)),
                ("sweeps", models.BigIntegerField(db_default=0)),
                ("stalls", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "watchers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("period__gt", datetime.timedelta(0))),
                        name="watchers_period_check",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QATestResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.TextField()),
                (
                    "outcome",
                    models.TextField(
                        choices=[("passed", "Passed"), ("failed", "Failed"), ("skipped", "Skipped")]
                    ),
                ),
                ("flaky", models.BooleanField(db_default=False)),
                ("message", models.TextField(blank=True, null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="governance.qaexecution",
                    ),
                ),
            ],
            options={
                "db_table": "qa_test_results",
                "indexes": [
                    models.Index(
                        models.F("execution"),
                        condition=models.Q(("flaky", True)),
                        name="idx_qa_test_results_flaky",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("execution", "name"), name="qa_test_results_execution_id_name_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["passed", "failed", "skipped"])),
                        name="qa_test_results_outcome_check",
                        violation_error_message="outcome must be one of passed, failed, skipped.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CompletionClaim",
            fields=[
                (
                    "claim_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "claimed_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("accepted", models.BooleanField()),
                ("conditions", models.JSONField(db_default=[])),
                (
                    "builder",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="builders.builder",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="programs.task",
                    ),
                ),
            ],
            options={
                "db_table": "completion_claims",
                "indexes": [
                    models.Index(
                        models.F("task"),
                        models.OrderBy(models.F("claimed_at"), descending=True),
                        name="idx_claims_task",
                    ),
                    models.Index(
                        models.F("builder"),
                        models.OrderBy(models.F("claimed_at"), descending=True),
                        name="idx_claims_builder",
                    ),
                ],
            },
        ),
        # Contract 1.8 to 1.10: the foreign keys of the judgement. No delete action is stated for
        # them. The tests of a run go with their run.
        foreign_key("governance_violations", "task_id", "tasks", "task_id"),
        foreign_key("governance_violations", "builder_id", "builders", "builder_id"),
        foreign_key("architecture_validations", "task_id", "tasks", "task_id"),
        foreign_key("qa_executions", "task_id", "tasks", "task_id"),
        foreign_key(
            "qa_test_results",
            "execution_id",
            "qa_executions",
            "execution_id",
            "ON DELETE CASCADE",
        ),
        foreign_key("completion_claims", "task_id", "tasks", "task_id"),
        foreign_key("completion_claims", "builder_id", "builders", "builder_id"),
        # Two columns beside the contract's, kept by governance_evidence_trail_witnessed. The trail
        # begins with what is already there: the five builders, and on a database whose judgement
        # was taken back everything else.
        migrations.RunSQL(
            """
            CREATE SEQUENCE evidence_trail_sequence_seq;
            ALTER TABLE evidence_trail
                ADD COLUMN sequence bigint NOT NULL DEFAULT nextval('evidence_trail_sequence_seq'),
                ADD COLUMN witnessed boolean NOT NULL DEFAULT false;
            ALTER SEQUENCE evidence_trail_sequence_seq OWNED BY evidence_trail.sequence;
            CREATE UNIQUE INDEX idx_evidence_sequence ON evidence_trail (sequence);

            INSERT INTO evidence_trail
                (entity_type, entity_id, action, actor, context, witnessed)
            SELECT noun, id, 'created', 'foreman', jsonb_build_object('snapshot', doc), true
            FROM (
                SELECT 1, 'program', program_id, to_jsonb(programs) FROM programs
                UNION ALL
                SELECT 2, 'wave', wave_id, to_jsonb(waves) FROM waves
                UNION ALL
                SELECT 3, 'task', task_id, to_jsonb(tasks) FROM tasks
                UNION ALL
                SELECT 4, 'builder', md5('builder:' || builder_id)::uuid, to_jsonb(builders)
                FROM builders
            ) AS found (step, noun, id, doc)
            ORDER BY step;

            ALTER TABLE evidence_trail ALTER COLUMN sequence DROP DEFAULT;
            """,
            "ALTER TABLE evidence_trail DROP COLUMN sequence, DROP COLUMN witnessed;",
            state_operations=[
                migrations.AddField(
                    "evidence",
                    "sequence",
                    models.BigIntegerField(
                        db_default=kit.core.sql.Identity(), editable=False, unique=True
                    ),
                ),
                migrations.AddField(
                    "evidence", "witnessed", models.BooleanField(db_default=False, editable=False)
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "import"), _negated=True),
                name="idx_evidence_happened",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.F("entity_type"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "import"), _negated=True),
                name="idx_evidence_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.F("actor"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.F("action"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                name="idx_evidence_action",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                django.db.models.fields.json.KeyTextTransform("user", "context"),
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "user")),
                name="idx_evidence_person",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.OrderBy(models.F("timestamp"), descending=True),
                models.OrderBy(models.F("sequence"), descending=True),
                condition=models.Q(("context__has_key", "override")),
                name="idx_evidence_forced",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                models.F("entity_id"),
                condition=models.Q(
                    models.Q(
                        models.Q(("action", "created"), ("context__snapshot__state", "completed")),
                        models.Q(("action", "state_changed"), ("context__to", "completed")),
                        models.Q(("action", "state_changed"), ("context__from", "completed")),
                        _connector="OR",
                    ),
                    ("entity_type", "task"),
                    ("witnessed", True),
                ),
                name="idx_evidence_completions",
            ),
        ),
        # The admin's group has no permission on what comes after this, and permissions keep the
        # names that models have here.
        migrations.RunPython(make_roles, take_roles),
        migrations.AlterModelOptions("qaexecution", {"verbose_name": "QA execution"}),
        migrations.AlterModelOptions("qatestresult", {"verbose_name": "QA test result"}),
        migrations.CreateModel(
            name="RefusedAct",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "rule",
                        "actor",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("rule", models.TextField()),
                ("actor", models.TextField()),
                ("occurrences", models.BigIntegerField(db_default=1)),
                ("first_at", models.DateTimeField(db_default=kit.core.sql.ContractNow())),
                ("last_at", models.DateTimeField(db_default=kit.core.sql.ContractNow())),
            ],
            options={
                "db_table": "refused_acts",
            },
        ),
        migrations.CreateModel(
            name="LatestRun",
            fields=[
                (
                    "execution",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="governance.qaexecution",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="latest_runs",
                        to="programs.task",
                    ),
                ),
                ("qa_suite_location", models.TextField()),
                ("executed_at", models.DateTimeField()),
                (
                    "qa_status",
                    models.TextField(
                        choices=[("RED", "Red"), ("PARTIAL", "Partial"), ("GREEN", "Green")]
                    ),
                ),
                ("total_tests", models.IntegerField()),
                ("passing_tests", models.IntegerField()),
                ("failing_tests", models.IntegerField()),
                ("skipped_tests", models.IntegerField()),
                ("test_debt_count", models.IntegerField()),
            ],
            options={
                "db_table": "qa_latest_runs",
                "indexes": [
                    models.Index(
                        fields=["executed_at"],
                        include=(
                            "qa_status",
                            "total_tests",
                            "passing_tests",
                            "failing_tests",
                            "skipped_tests",
                            "test_debt_count",
                        ),
                        name="idx_qa_latest_runs_figures",
                    ),
                    models.Index(
                        condition=models.Q(("qa_status", "GREEN"), _negated=True),
                        fields=["qa_status", "executed_at"],
                        name="idx_qa_latest_runs_not_green",
                    ),
                    models.Index(
                        condition=models.Q(("test_debt_count__gt", 0)),
                        fields=["test_debt_count", "executed_at"],
                        name="idx_qa_latest_runs_debt",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("task", "qa_suite_location"),
                        name="qa_latest_runs_task_id_qa_suite_location_key",
                    )
                ],
            },
        ),
        foreign_key(
            "qa_latest_runs",
            "execution_id",
            "qa_executions",
            "execution_id",
            "ON DELETE CASCADE",
        ),
        kit.core.rules.ChangeRules(
            after={
                "builder_entity_id": r"""
                CREATE OR REPLACE FUNCTION builder_entity_id(builder_id text) RETURNS uuid
                LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
                    SELECT md5('builder:' || builder_id)::uuid
                $$;
                """,
                "governance_action": r"""
                CREATE OR REPLACE FUNCTION governance_action(noun text, operation text, changes jsonb) RETURNS text
                LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                    SELECT CASE WHEN noun IN ('program', 'wave', 'task', 'builder') THEN '' ELSE noun || '_' END
                        || CASE
                            WHEN operation = 'DELETE' THEN 'deleted'
                            WHEN operation = 'INSERT' THEN
                                CASE
                                    WHEN noun IN ('program', 'wave', 'task', 'builder') THEN 'created'
                                    WHEN noun = 'blocker' THEN 'raised'
                                    WHEN noun = 'pause' THEN 'started'
                                    ELSE 'recorded'
                                END
                            WHEN changes ? 'current_task_id' THEN
                                CASE changes -> 'current_task_id' -> 1
                                    WHEN 'null' THEN 'released' ELSE 'assigned'
                                END
                            WHEN changes ? 'state' THEN 'state_changed'
                            WHEN changes ? 'ended_at' AND changes -> 'ended_at' -> 0 = 'null' THEN 'ended'
                            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 0 = 'null'
                                THEN 'resolved'
                            WHEN changes ? 'resolved_at' AND changes -> 'resolved_at' -> 1 = 'null'
                                THEN 'reopened'
                            WHEN changes - 'progress_percentage' = '{}' THEN 'progress_forced'
                            ELSE 'edited'
                        END
                $$;
                """,
                "governance_actor": r"""
                CREATE OR REPLACE FUNCTION governance_actor(
                    OUT actor text, OUT backend text, OUT model text, OUT context jsonb
                ) LANGUAGE plpgsql STABLE AS $$
                BEGIN
                    actor := coalesce(nullif(current_setting('foreman.actor', true), ''), 'foreman');
                    context := coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb;
                    IF current_setting('foreman.override', true) <> '' THEN
                        context := context
                            || jsonb_build_object('override', current_setting('foreman.override', true));
                    END IF;
                    IF actor <> 'foreman' THEN
                        SELECT builders.backend_type, builders.provenance ->> 'model' INTO backend, model
                        FROM builders WHERE builders.builder_id = actor;
                    END IF;
                END $$;
                """,
                "governance_announce": r"""
                CREATE OR REPLACE FUNCTION governance_announce() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    untold CONSTANT text[] := TG_ARGV[1];
                    docs jsonb[];
                BEGIN
                    IF TG_OP = 'DELETE' THEN
                        docs := ARRAY(SELECT to_jsonb(old_rows) FROM old_rows LIMIT 21);
                    ELSE
                        docs := ARRAY(SELECT to_jsonb(new_rows) FROM new_rows LIMIT 21);
                        IF TG_OP = 'UPDATE' AND cardinality(docs) <= 20 THEN
                            docs := ARRAY(
                                SELECT doc FROM (
                                    SELECT to_jsonb(new_rows) - untold FROM new_rows
                                    UNION ALL SELECT to_jsonb(old_rows) - untold FROM old_rows
                                ) AS rows (doc)
                                GROUP BY doc HAVING count(*) = 1  -- before and after are not the same
                            );
                        END IF;
                    END IF;
                    PERFORM governance_announce_rows(TG_ARGV[0], docs);
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON evidence_trail
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT
                    EXECUTE FUNCTION governance_announce('evidence', '{}');
                """,
                "governance_announce_late": r"""
                CREATE OR REPLACE FUNCTION governance_announce_late() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF EXISTS (
                        SELECT FROM new_rows JOIN builders USING (builder_id)
                        WHERE new_rows.timestamp < builders.last_heartbeat
                    ) THEN
                        PERFORM governance_announce_rows('beat', ARRAY(
                            SELECT jsonb_build_object('builder_id', builder_id, 'entity_type', 'beat',
                                'entity_id', task_id)
                            FROM new_rows LIMIT 21));
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_announce_late AFTER INSERT ON heartbeats
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce_late();
                """,
                "governance_announce_pulse": r"""
                CREATE OR REPLACE FUNCTION governance_announce_pulse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF date_bin('50 ms', NEW.updated_at, 'epoch') > date_bin('50 ms', OLD.updated_at, 'epoch') THEN
                        PERFORM pg_notify('foreman',
                            concat_ws(' ', 'builder:' || NEW.builder_id, 'beat:' || NEW.current_task_id));
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_announce_pulse AFTER UPDATE ON builders
                    FOR EACH ROW EXECUTE FUNCTION governance_announce_pulse();
                """,
                "governance_announce_rows": r"""
                CREATE OR REPLACE FUNCTION governance_announce_rows(kind text, docs jsonb[]) RETURNS void
                LANGUAGE plpgsql AS $$
                BEGIN
                    IF cardinality(docs) > 20 THEN  -- more topics might not go into the 8000 bytes of a payload
                        PERFORM pg_notify('foreman', '*');
                    ELSIF docs <> '{}' THEN
                        PERFORM pg_notify('foreman', governance_topics(kind, docs));
                    END IF;
                END $$;
                """,
                "governance_architecture_ready": r"""
                CREATE OR REPLACE FUNCTION governance_architecture_ready(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'architecture_ready', coalesce(latest.build_readiness = 'READY', false),
                        CASE
                            WHEN tasks.architecture_reference = '' THEN 'The task names no architecture.'
                            WHEN latest.build_readiness IS NULL
                                THEN format('%s was never validated.', tasks.architecture_reference)
                            ELSE format('%s: %s at %s %%.', tasks.architecture_reference,
                                replace(latest.build_readiness, '_', ' '), latest.pass_rate)
                        END
                    FROM tasks
                    LEFT JOIN LATERAL (
                        SELECT build_readiness, pass_rate FROM architecture_validations AS validation
                        WHERE validation.task_id = tasks.task_id
                            AND validation.architecture_reference = tasks.architecture_reference
                        ORDER BY validated_at DESC, validation_id DESC LIMIT 1
                    ) AS latest ON tasks.architecture_reference <> ''
                    WHERE tasks.task_id = id
                $$;
                """,
                "governance_await_departures": r"""
                CREATE OR REPLACE FUNCTION governance_await_departures() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM set_config('foreman.departures', '', true);
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF wave_id ON tasks
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();

                CREATE OR REPLACE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF program_id ON waves
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();
                """,
                "governance_block": r"""
                CREATE OR REPLACE FUNCTION governance_block(kind text, id uuid) RETURNS void LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE programs SET state = 'blocked'
                    WHERE kind = 'program' AND program_id = id AND state IN ('planned', 'in-progress');
                    UPDATE waves SET state = 'blocked'
                    WHERE kind = 'wave' AND wave_id = id AND state IN ('planned', 'in-progress');
                    UPDATE tasks SET state = 'blocked'
                    WHERE kind = 'task' AND task_id = id AND state IN ('planned', 'assigned', 'in-progress');
                END $$;
                """,
                "governance_blockers_entity": r"""
                CREATE OR REPLACE FUNCTION governance_blockers_entity() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP = 'UPDATE' AND NEW.resolved_at IS NOT NULL
                        AND (NEW.entity_type, NEW.entity_id) = (OLD.entity_type, OLD.entity_id)
                    THEN
                        RETURN NEW;
                    END IF;
                    CASE NEW.entity_type
                        WHEN 'program' THEN
                            PERFORM 1 FROM programs WHERE program_id = NEW.entity_id FOR KEY SHARE;
                        WHEN 'wave' THEN
                            PERFORM 1 FROM waves WHERE wave_id = NEW.entity_id FOR KEY SHARE;
                        WHEN 'task' THEN
                            PERFORM 1 FROM tasks WHERE task_id = NEW.entity_id FOR KEY SHARE;
                        ELSE
                            RETURN NEW;  -- the check on entity_type refuses it by its own name
                    END CASE;
                    IF NOT FOUND AND NEW.entity_id IS NOT NULL THEN
                        RAISE EXCEPTION 'There is no % with the id %.', NEW.entity_type, NEW.entity_id
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_blockers_entity',
                                TABLE = 'blockers', COLUMN = 'entity_id';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER governance_blockers_entity
                    BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at ON blockers
                    FOR EACH ROW EXECUTE FUNCTION governance_blockers_entity();
                """,
                "governance_blockers_not_on_completed": r"""
                CREATE OR REPLACE FUNCTION governance_blockers_not_on_completed() RETURNS trigger
                LANGUAGE plpgsql AS $$
                DECLARE
                    state text;
                BEGIN
                    IF NEW.resolved_at IS NOT NULL OR programs_is_forced() THEN
                        RETURN NEW;
                    END IF;
                    CASE NEW.entity_type
                        WHEN 'program' THEN
                            SELECT programs.state INTO state FROM programs
                            WHERE program_id = NEW.entity_id FOR NO KEY UPDATE;
                        WHEN 'wave' THEN
                            SELECT waves.state INTO state FROM waves
                            WHERE wave_id = NEW.entity_id FOR NO KEY UPDATE;
                        WHEN 'task' THEN
                            SELECT tasks.state INTO state FROM tasks
                            WHERE task_id = NEW.entity_id FOR NO KEY UPDATE;
                        ELSE
                            RETURN NEW;  -- the check on entity_type refuses it by its own name
                    END CASE;
                    IF state = 'completed' THEN
                        RAISE EXCEPTION 'The % is completed: nothing blocks it any more.', NEW.entity_type
                            USING ERRCODE = 'check_violation',
                                CONSTRAINT = 'governance_blockers_not_on_completed',
                                TABLE = 'blockers', COLUMN = 'entity_id';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER governance_blockers_not_on_completed
                    BEFORE INSERT OR UPDATE OF resolved_at ON blockers
                    FOR EACH ROW EXECUTE FUNCTION governance_blockers_not_on_completed();
                """,
                "governance_blockers_of_deleted": r"""
                CREATE OR REPLACE FUNCTION governance_blockers_of_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE blockers
                    SET resolved_at = now(), resolution_action = format('The %s was deleted.', TG_ARGV[0])
                    WHERE entity_type = TG_ARGV[0]
                        AND entity_id = (to_jsonb(OLD) ->> TG_ARGV[1])::uuid
                        AND resolved_at IS NULL;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON programs
                    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('program', 'program_id');

                CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON waves
                    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('wave', 'wave_id');

                CREATE OR REPLACE TRIGGER governance_blockers_of_deleted AFTER DELETE ON tasks
                    FOR EACH ROW EXECUTE FUNCTION governance_blockers_of_deleted('task', 'task_id');
                """,
                "governance_builders_hold_their_task": r"""
                CREATE OR REPLACE FUNCTION governance_builders_hold_their_task() RETURNS trigger
                LANGUAGE plpgsql AS $$
                DECLARE
                    held uuid;
                    builder text;
                    task text;
                BEGIN
                    IF TG_TABLE_NAME = 'builders' THEN
                        IF TG_OP = 'UPDATE' AND NEW.current_task_id IS NOT DISTINCT FROM OLD.current_task_id THEN
                            RETURN NULL;
                        END IF;
                        held := NEW.current_task_id;
                    ELSE
                        IF NEW.state = OLD.state AND NEW.assigned_builder IS NOT DISTINCT FROM OLD.assigned_builder
                        THEN
                            RETURN NULL;
                        END IF;
                        held := NEW.task_id;
                    END IF;
                    SELECT builder_id, tasks.name INTO builder, task
                    FROM builders JOIN tasks ON task_id = current_task_id
                    WHERE current_task_id = held
                        AND (assigned_builder <> builder_id OR tasks.state IN ('completed', 'failed'));
                    IF FOUND THEN
                        RAISE EXCEPTION '% cannot hold the task "%", which is not in its hands.', builder, task
                            USING ERRCODE = 'check_violation',
                                CONSTRAINT = 'governance_builders_hold_their_task',
                                TABLE = 'builders', COLUMN = 'current_task_id';
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
                    AFTER UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();

                CREATE CONSTRAINT TRIGGER governance_builders_hold_their_task
                    AFTER INSERT OR UPDATE OF current_task_id ON builders DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION governance_builders_hold_their_task();
                """,
                "governance_complete_what_is_done": r"""
                CREATE OR REPLACE FUNCTION governance_complete_what_is_done(program uuid) RETURNS void
                LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE waves SET state = 'completed'
                    WHERE program_id = program AND state = 'in-progress'
                        AND (SELECT bool_and(met) FROM governance_gate_complete_wave(wave_id));
                    UPDATE programs SET state = 'completed'
                    WHERE program_id = program AND state = 'in-progress'
                        AND (SELECT bool_and(met) FROM governance_gate_complete_program(program_id));
                END $$;
                """,
                "governance_declare_stalls": r"""
                CREATE OR REPLACE FUNCTION governance_declare_stalls(threshold interval)
                RETURNS TABLE (stalled_builder text, stalled_task uuid, silent_for interval)
                LANGUAGE plpgsql AS $$
                DECLARE
                    quiet_since timestamptz;
                BEGIN
                    PERFORM builders_end_pauses();
                    FOR stalled_builder, stalled_task IN
                        SELECT builder_id, current_task_id FROM builders
                        WHERE current_task_id IS NOT NULL
                            AND builders_verdict(builder_id, threshold, now()) = 'silent'
                        ORDER BY current_task_id
                    LOOP
                        PERFORM 1 FROM tasks
                        WHERE task_id = stalled_task AND state IN ('assigned', 'in-progress', 'blocked')
                        FOR NO KEY UPDATE SKIP LOCKED;
                        CONTINUE WHEN NOT FOUND;
                        PERFORM 1 FROM builders
                        WHERE builder_id = stalled_builder AND current_task_id = stalled_task
                        FOR NO KEY UPDATE SKIP LOCKED;
                        CONTINUE WHEN NOT FOUND;

                        SELECT greatest(builders_quiet_since(builders, now()), stall.resolved_at) INTO quiet_since
                        FROM builders
                        LEFT JOIN LATERAL (
                            SELECT blocker_id, resolved_at FROM blockers
                            WHERE entity_type = 'task' AND entity_id = stalled_task
                                AND classification = 'builder_stall'
                            ORDER BY resolved_at DESC NULLS FIRST LIMIT 1
                        ) AS stall ON true
                        WHERE builder_id = stalled_builder
                            AND builders_verdict(builder_id, threshold, now()) = 'silent'
                            AND NOT (
                                builders.state = 'failed'
                                AND stall.blocker_id IS NOT NULL AND stall.resolved_at IS NULL
                            );
                        CONTINUE WHEN NOT FOUND OR quiet_since >= now() - threshold;

                        UPDATE builders SET state = 'failed'
                        WHERE builder_id = stalled_builder AND state <> 'failed';
                        PERFORM governance_raise_blocker('task', stalled_task, 'builder_stall', format(
                            '%s has this task in hand and was not heard since %s UTC.', stalled_builder,
                            to_char(quiet_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')));
                        silent_for := now() - quiet_since;
                        RETURN NEXT;
                    END LOOP;
                END $$;
                """,
                "governance_evidence": r"""
                CREATE OR REPLACE FUNCTION governance_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    noun CONSTANT text := TG_ARGV[0];
                    key CONSTANT text := TG_ARGV[1];
                    itself CONSTANT boolean := noun IN ('program', 'wave', 'task', 'builder');
                    unspoken CONSTANT text[] := TG_ARGV[2]::text[] || CASE
                        WHEN pg_trigger_depth() > 1 THEN TG_ARGV[3]::text[] ELSE '{}'
                    END;
                    statement text;
                BEGIN
                    IF TG_OP = 'UPDATE' THEN
                        -- Most updates are of one row, and measure: they leave nothing to tell.
                        IF TG_LEVEL = 'ROW' THEN
                            IF to_jsonb(NEW) - unspoken = to_jsonb(OLD) - unspoken THEN
                                RETURN NULL;
                            END IF;
                        ELSIF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 2) AS few) < 2
                            AND (SELECT to_jsonb(new_rows) - unspoken FROM new_rows)
                                IS NOT DISTINCT FROM (SELECT to_jsonb(old_rows) - unspoken FROM old_rows)
                        THEN
                            RETURN NULL;
                        END IF;
                        SELECT format(
                            $statement$
                            INSERT INTO evidence_trail
                                (entity_type, entity_id, action, actor, backend, model, context)
                            SELECT subject.entity_type, subject.entity_id,
                                governance_action($1, 'UPDATE', changed.fields),
                                who.actor, who.backend, who.model,
                                who.context
                                    || jsonb_build_object('changes', changed.fields)
                                    || CASE WHEN changed.fields ? 'state' THEN jsonb_build_object(
                                        'from', changed.fields -> 'state' -> 0,
                                        'to', changed.fields -> 'state' -> 1)
                                        ELSE '{}' END
                                    || CASE WHEN $2 THEN '{}' ELSE jsonb_build_object('snapshot', changed.doc) END
                            FROM (
                                SELECT %s AS doc, %s AS fields
                                FROM %s
                                WHERE (%s) IS DISTINCT FROM (%s)
                                OFFSET 0  -- a fence: what changed is put together once
                            ) AS changed
                            CROSS JOIN LATERAL governance_subject($1, changed.doc) AS subject
                            CROSS JOIN governance_actor() AS who
                            $statement$,
                            CASE WHEN itself THEN format('jsonb_build_object(%L, n.%I)', key, key)
                                ELSE 'to_jsonb(n)' END,
                            string_agg(format(
                                'CASE WHEN n.%1$I IS DISTINCT FROM o.%1$I'
                                    ' THEN jsonb_build_object(%1$L, jsonb_build_array(o.%1$I, n.%1$I))'
                                    ' ELSE ''{}'' END', attname), ' || '),
                            CASE TG_LEVEL WHEN 'ROW' THEN '(SELECT ($3).*) AS o, (SELECT ($4).*) AS n'
                                ELSE format('old_rows AS o JOIN new_rows AS n USING (%I)', key) END,
                            string_agg(format('n.%I', attname), ', '),
                            string_agg(format('o.%I', attname), ', ')
                        )
                        INTO statement
                        FROM pg_attribute
                        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
                            AND attname <> key AND attname <> ALL (unspoken);
                        IF TG_LEVEL = 'ROW' THEN
                            EXECUTE statement USING noun, itself, OLD, NEW;
                        ELSE
                            EXECUTE statement USING noun, itself;
                        END IF;
                    ELSIF TG_OP = 'INSERT' THEN
                        INSERT INTO evidence_trail
                            (entity_type, entity_id, action, actor, backend, model, context)
                        SELECT subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
                            who.actor, who.backend, who.model,
                            who.context || jsonb_build_object('snapshot', changed.doc)
                        FROM (SELECT to_jsonb(new_rows) AS doc FROM new_rows) AS changed
                        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
                        CROSS JOIN governance_actor() AS who;
                    ELSE
                        INSERT INTO evidence_trail
                            (entity_type, entity_id, action, actor, backend, model, context)
                        SELECT subject.entity_type, subject.entity_id, governance_action(noun, TG_OP, NULL),
                            who.actor, who.backend, who.model,
                            who.context || jsonb_build_object('snapshot', changed.doc)
                        FROM (SELECT to_jsonb(old_rows) AS doc FROM old_rows) AS changed
                        CROSS JOIN LATERAL governance_subject(noun, changed.doc) AS subject
                        CROSS JOIN governance_actor() AS who;
                    END IF;
                    RETURN NULL;
                END $$;
                """,
                "governance_evidence_trail_append_only": r"""
                CREATE OR REPLACE FUNCTION governance_evidence_trail_append_only() RETURNS trigger
                LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'Evidence is only added, never changed or removed.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_evidence_trail_append_only',
                            TABLE = 'evidence_trail';
                END $$;

                CREATE OR REPLACE TRIGGER governance_evidence_trail_append_only
                    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_trail
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_evidence_trail_append_only();
                """,
                "governance_evidence_trail_witnessed": r"""
                CREATE OR REPLACE FUNCTION governance_evidence_trail_witnessed() RETURNS trigger
                LANGUAGE plpgsql AS $$
                BEGIN
                    NEW.sequence := nextval('evidence_trail_sequence_seq');
                    NEW.witnessed := pg_trigger_depth() > 1;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER governance_evidence_trail_witnessed BEFORE INSERT ON evidence_trail
                    FOR EACH ROW EXECUTE FUNCTION governance_evidence_trail_witnessed();
                """,
                "governance_follow_blockers": r"""
                CREATE OR REPLACE FUNCTION governance_follow_blockers() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF programs_is_history() THEN
                        RETURN NULL;
                    END IF;
                    IF TG_OP = 'INSERT' THEN
                        PERFORM governance_block(entity_type, entity_id) FROM new_rows WHERE resolved_at IS NULL;
                    ELSIF TG_OP = 'DELETE' THEN
                        PERFORM governance_unblock(entity_type, entity_id) FROM old_rows WHERE resolved_at IS NULL;
                    ELSE
                        PERFORM governance_block(n.entity_type, n.entity_id)
                        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
                        WHERE o.resolved_at IS NOT NULL AND n.resolved_at IS NULL;
                        PERFORM governance_unblock(n.entity_type, n.entity_id)
                        FROM old_rows AS o JOIN new_rows AS n USING (blocker_id)
                        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_blockers_inserted AFTER INSERT ON blockers
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

                CREATE OR REPLACE TRIGGER governance_follow_blockers_updated AFTER UPDATE ON blockers
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();

                CREATE OR REPLACE TRIGGER governance_follow_blockers_deleted AFTER DELETE ON blockers
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_blockers();
                """,
                "governance_follow_builders": r"""
                CREATE OR REPLACE FUNCTION governance_follow_builders() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    is_put_down CONSTANT boolean := NEW.current_task_id IS DISTINCT FROM OLD.current_task_id;
                    is_heard CONSTANT boolean :=
                        NEW.last_heartbeat > OLD.last_heartbeat AND NEW.state <> 'failed';
                    stall uuid;
                BEGIN
                    IF OLD.current_task_id IS NULL OR NOT (is_put_down OR is_heard) OR programs_is_history() THEN
                        RETURN NULL;
                    END IF;
                    SELECT blocker_id INTO stall FROM blockers
                    WHERE entity_type = 'task' AND entity_id = OLD.current_task_id
                        AND classification = 'builder_stall' AND resolved_at IS NULL
                    FOR NO KEY UPDATE SKIP LOCKED;
                    IF FOUND THEN
                        UPDATE blockers
                        SET resolved_at = now(), resolution_action = CASE
                            WHEN is_put_down THEN format('%s has put the task down.', NEW.builder_id)
                            ELSE format('%s was heard again after %s.', NEW.builder_id,
                                date_trunc('second', now() - builders_quiet_since(OLD, now())))
                        END
                        WHERE blocker_id = stall;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_builders AFTER UPDATE ON builders
                    FOR EACH ROW EXECUTE FUNCTION governance_follow_builders();
                """,
                "governance_follow_departures": r"""
                CREATE OR REPLACE FUNCTION governance_follow_departures() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    asked CONSTANT text := coalesce(current_setting('foreman.departures', true), '');
                    places uuid[];
                BEGIN
                    IF programs_is_history() THEN
                        RETURN NULL;
                    END IF;
                    -- Of many that went from one place to another it is asked once.
                    IF TG_TABLE_NAME = 'tasks' THEN
                        places := ARRAY[OLD.wave_id, NEW.wave_id];
                    ELSE
                        places := ARRAY[OLD.program_id, NEW.program_id];
                    END IF;
                    IF strpos(asked, places::text) > 0 THEN
                        RETURN NULL;
                    END IF;
                    PERFORM set_config('foreman.departures', asked || places::text, true);

                    -- Locked before looking: of the last two that go at once, the later sees the earlier gone.
                    IF TG_TABLE_NAME = 'tasks' THEN
                        PERFORM 1 FROM waves WHERE wave_id = ANY (places) ORDER BY wave_id FOR NO KEY UPDATE;
                        PERFORM governance_complete_what_is_done(program_id)
                        FROM waves WHERE wave_id = ANY (places) AND state = 'in-progress';
                    ELSE
                        PERFORM 1 FROM programs WHERE program_id = ANY (places)
                        ORDER BY program_id FOR NO KEY UPDATE;
                        PERFORM governance_complete_what_is_done(program_id)
                        FROM programs WHERE program_id = ANY (places) AND state = 'in-progress';
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE CONSTRAINT TRIGGER governance_follow_departures
                    AFTER DELETE OR UPDATE OF wave_id ON tasks DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();

                CREATE CONSTRAINT TRIGGER governance_follow_departures
                    AFTER DELETE OR UPDATE OF program_id ON waves DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();
                """,
                "governance_follow_programs": r"""
                CREATE OR REPLACE FUNCTION governance_follow_programs() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NOT programs_is_history() THEN
                        PERFORM governance_complete_what_is_done(done.program_id)
                        FROM (
                            SELECT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (program_id)
                            WHERE n.state <> o.state AND n.state = 'in-progress'
                            ORDER BY n.program_id
                        ) AS done;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_programs AFTER UPDATE ON programs
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_programs();
                """,
                "governance_follow_qa_executions": r"""
                CREATE OR REPLACE FUNCTION governance_follow_qa_executions() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF programs_is_history() THEN
                        RETURN NULL;
                    END IF;
                    -- Of runs that come in at once the later sees the earlier. Locked as raising a blocker does.
                    PERFORM 1 FROM blockers
                    WHERE entity_type = 'task' AND classification = 'repeated_failures'
                        AND entity_id IN (SELECT task_id FROM new_rows WHERE qa_status <> 'GREEN')
                    ORDER BY entity_id, blocker_id FOR NO KEY UPDATE;
                    PERFORM 1 FROM tasks
                    WHERE task_id IN (SELECT task_id FROM new_rows WHERE qa_status <> 'GREEN')
                    ORDER BY task_id FOR NO KEY UPDATE;
                    PERFORM governance_raise_blocker('task', task_id, 'repeated_failures', format(
                        'Three runs of %s in a row without progress: %s tests pass.',
                        qa_suite_location, array_to_string(passed, ', then ')))
                    FROM (
                        SELECT tasks.task_id, tasks.qa_suite_location,
                            array_agg(last.passing_tests ORDER BY last.executed_at, last.execution_id) AS passed,
                            bool_and(last.qa_status <> 'GREEN') AS never_green
                        FROM (SELECT DISTINCT task_id FROM new_rows) AS reported
                        JOIN tasks USING (task_id)
                        CROSS JOIN LATERAL (
                            SELECT run.* FROM qa_executions AS run
                            WHERE run.task_id = tasks.task_id
                                AND run.qa_suite_location = tasks.qa_suite_location
                                AND run.executed_at > coalesce((
                                    SELECT max(resolved_at) FROM blockers
                                    WHERE entity_type = 'task' AND entity_id = tasks.task_id
                                        AND classification = 'repeated_failures'
                                ), '-infinity')
                            ORDER BY run.executed_at DESC, run.execution_id DESC LIMIT 3
                        ) AS last
                        WHERE tasks.state = 'in-progress'
                        GROUP BY tasks.task_id, tasks.qa_suite_location
                    ) AS streak
                    WHERE cardinality(passed) = 3 AND never_green
                        AND passed[2] <= passed[1] AND passed[3] <= passed[2];
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_qa_executions AFTER INSERT ON qa_executions
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_qa_executions();
                """,
                "governance_follow_tasks": r"""
                CREATE OR REPLACE FUNCTION governance_follow_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    moved record;
                BEGIN
                    FOR moved IN
                        SELECT n.*, o.assigned_builder AS builder_before
                        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
                        WHERE n.state <> o.state OR n.assigned_builder IS DISTINCT FROM o.assigned_builder
                        ORDER BY task_id
                    LOOP
                        -- Builder and task agree about each other, whoever wrote the one or the other.
                        IF moved.state IN ('planned', 'completed', 'failed')
                            OR moved.assigned_builder IS DISTINCT FROM moved.builder_before
                        THEN
                            UPDATE builders
                            SET current_task_id = NULL,
                                state = CASE state WHEN 'failed' THEN 'failed' ELSE 'idle' END
                            WHERE current_task_id = moved.task_id;
                        END IF;
                        CONTINUE WHEN programs_is_history();  -- which takes out of hands, and puts nothing into them
                        IF moved.state IN ('assigned', 'in-progress') AND moved.assigned_builder IS NOT NULL THEN
                            UPDATE builders SET current_task_id = moved.task_id
                            WHERE builder_id = moved.assigned_builder AND current_task_id IS NULL;
                            IF NOT EXISTS (SELECT FROM builders WHERE current_task_id = moved.task_id) THEN
                                RAISE EXCEPTION '% holds another task: it cannot take up "%".',
                                    moved.assigned_builder, moved.name
                                    USING ERRCODE = 'check_violation',
                                        CONSTRAINT = 'governance_builders_hold_their_task',
                                        TABLE = 'builders', COLUMN = 'current_task_id';
                            END IF;
                        END IF;
                        IF moved.state = 'completed' THEN
                            PERFORM governance_complete_what_is_done(program_id)
                            FROM waves WHERE wave_id = moved.wave_id;
                        END IF;
                    END LOOP;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_tasks AFTER UPDATE ON tasks
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_tasks();
                """,
                "governance_follow_violations": r"""
                CREATE OR REPLACE FUNCTION governance_follow_violations() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    broken record;
                    rule text;
                BEGIN
                    IF programs_is_history() THEN
                        RETURN NULL;
                    END IF;
                    IF TG_OP = 'INSERT' THEN
                        FOR broken IN
                            SELECT * FROM new_rows WHERE task_id IS NOT NULL AND resolved_at IS NULL
                            ORDER BY task_id
                        LOOP
                            BEGIN
                                PERFORM governance_raise_blocker('task', broken.task_id,
                                    'constitutional_violation',
                                    format('%s: %s', broken.violation_type, broken.description));
                            EXCEPTION WHEN check_violation THEN
                                GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
                                IF rule <> 'governance_blockers_not_on_completed' THEN
                                    RAISE;
                                END IF;
                            END;
                        END LOOP;
                    ELSE
                        -- Locked before looking, as above.
                        PERFORM 1 FROM blockers
                        WHERE entity_type = 'task' AND entity_id IN (SELECT task_id FROM new_rows)
                            AND classification = 'constitutional_violation' AND resolved_at IS NULL
                        ORDER BY blocker_id FOR NO KEY UPDATE;
                        UPDATE blockers
                        SET resolved_at = now(), resolution_action = coalesce(n.resolution, 'Violation resolved.')
                        FROM old_rows AS o JOIN new_rows AS n USING (violation_id)
                        WHERE o.resolved_at IS NULL AND n.resolved_at IS NOT NULL
                            AND entity_type = 'task' AND entity_id = n.task_id
                            AND classification = 'constitutional_violation' AND blockers.resolved_at IS NULL
                            AND NOT EXISTS (
                                SELECT FROM governance_violations AS other
                                WHERE other.task_id = n.task_id AND other.resolved_at IS NULL
                            );
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_violations_inserted
                    AFTER INSERT ON governance_violations
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();

                CREATE OR REPLACE TRIGGER governance_follow_violations_updated AFTER UPDATE ON governance_violations
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_violations();
                """,
                "governance_follow_waves": r"""
                CREATE OR REPLACE FUNCTION governance_follow_waves() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NOT programs_is_history() THEN
                        PERFORM governance_complete_what_is_done(done.program_id)
                        FROM (
                            SELECT DISTINCT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
                            WHERE n.state <> o.state AND n.state IN ('in-progress', 'completed')
                            ORDER BY n.program_id
                        ) AS done;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_follow_waves AFTER UPDATE ON waves
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_waves();
                """,
                "governance_gate": r"""
                CREATE OR REPLACE FUNCTION governance_gate(
                    kind text, id uuid, source text, target text, builder text
                )
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE plpgsql STABLE AS $$
                BEGIN
                    IF source = 'blocked' AND target IN ('assigned', 'in-progress') THEN
                        RETURN QUERY SELECT * FROM governance_gate_unblock(kind, id, target);
                    ELSIF (kind, target) = ('program', 'in-progress') THEN
                        RETURN QUERY SELECT * FROM governance_gate_approve_program(id);
                    ELSIF (kind, target) = ('program', 'completed') THEN
                        RETURN QUERY SELECT * FROM governance_gate_complete_program(id);
                    ELSIF (kind, target) = ('wave', 'in-progress') THEN
                        RETURN QUERY SELECT * FROM governance_gate_start_wave(id);
                    ELSIF (kind, target) = ('wave', 'completed') THEN
                        RETURN QUERY SELECT * FROM governance_gate_complete_wave(id);
                    ELSIF (kind, target) = ('task', 'assigned') THEN
                        RETURN QUERY SELECT * FROM governance_gate_assign_task(id, builder);
                    ELSIF (kind, target) = ('task', 'in-progress') THEN
                        RETURN QUERY SELECT * FROM governance_gate_start_task(id);
                    ELSIF (kind, target) = ('task', 'completed') THEN
                        RETURN QUERY SELECT * FROM governance_gate_complete_task(id);
                    END IF;
                END $$;
                """,
                "governance_gate_approve_program": r"""
                CREATE OR REPLACE FUNCTION governance_gate_approve_program(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text)
                LANGUAGE sql STABLE AS $$
                    SELECT 'has_waves', count(*) > 0,
                        CASE count(*) WHEN 0 THEN 'The program has no wave.' ELSE format('Waves: %s.', count(*)) END
                    FROM waves WHERE program_id = id
                    UNION ALL
                    SELECT 'waves_have_tasks', count(*) = 0,
                        CASE count(*) WHEN 0 THEN 'Each wave has a task.'
                            ELSE format('Without a task: %s.', governance_names(array_agg(name))) END
                    FROM (
                        SELECT name FROM waves
                        WHERE program_id = id AND NOT EXISTS (SELECT FROM tasks WHERE tasks.wave_id = waves.wave_id)
                        ORDER BY sequence_number
                    ) AS empty
                    UNION ALL
                    SELECT 'dependencies_acyclic', count(*) = 0,
                        CASE count(*) WHEN 0 THEN 'No wave waits for itself.'
                            ELSE format('Going round: %s.', governance_names(array_agg(name))) END
                    FROM (
                        WITH RECURSIVE earlier (wave_id, id) AS (
                            SELECT waves.wave_id, dependency.id FROM waves
                            CROSS JOIN LATERAL unnest(
                                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
                            ) AS dependency (id)
                            WHERE waves.program_id = governance_gate_approve_program.id
                            UNION
                            SELECT earlier.wave_id, dependency.id
                            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
                            CROSS JOIN LATERAL unnest(
                                ARRAY(SELECT jsonb_array_elements_text(waves.dependencies))
                            ) AS dependency (id)
                            WHERE waves.program_id = governance_gate_approve_program.id
                        )
                        SELECT waves.name FROM earlier JOIN waves USING (wave_id)
                        WHERE earlier.id = earlier.wave_id::text
                    ) AS cycle
                    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
                $$;
                """,
                "governance_gate_assign_task": r"""
                CREATE OR REPLACE FUNCTION governance_gate_assign_task(id uuid, builder text)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT * FROM governance_parents_in_progress(id)
                    UNION ALL SELECT * FROM governance_architecture_ready(id)
                    UNION ALL SELECT * FROM governance_suite_red(id)
                    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
                    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
                    UNION ALL
                    SELECT 'builder_idle',
                        builders.state = 'idle' AND (current_task_id IS NULL OR current_task_id = id),
                        CASE
                            WHEN current_task_id IS NOT NULL AND current_task_id <> id
                                THEN format('%s holds another task.', builder_id)
                            ELSE format('%s is %s.', builder_id, builders.state)
                        END
                    FROM builders WHERE builder_id = builder
                $$;
                """,
                "governance_gate_complete_program": r"""
                CREATE OR REPLACE FUNCTION governance_gate_complete_program(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'waves_completed', count(*) > 0 AND bool_and(state = 'completed'),
                        format('%s of %s waves are completed.',
                            count(*) FILTER (WHERE state = 'completed'), count(*))
                    FROM waves WHERE program_id = id
                    UNION ALL SELECT * FROM governance_no_open_blocker('program', id)
                $$;
                """,
                "governance_gate_complete_task": r"""
                CREATE OR REPLACE FUNCTION governance_gate_complete_task(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT * FROM governance_parents_in_progress(id)
                    UNION ALL
                    SELECT proof.rule, proof.met, proof.detail
                    FROM tasks, governance_latest_run(id) AS run
                    CROSS JOIN LATERAL (VALUES
                        ('suite_green', coalesce(run.qa_status = 'GREEN', false),
                            CASE
                                WHEN tasks.qa_suite_location = '' THEN 'The task names no suite.'
                                WHEN run.execution_id IS NULL
                                    THEN format('%s was never run.', tasks.qa_suite_location)
                                ELSE format('%s of %s tests pass, %s are skipped.',
                                    run.passing_tests, run.total_tests, run.skipped_tests)
                            END),
                        ('no_debt', coalesce(run.test_debt_count = 0, false),
                            CASE
                                WHEN run.execution_id IS NULL THEN 'No run says so.'
                                ELSE format('Test debt: %s.', run.test_debt_count)
                            END),
                        ('run_newer_than_work',
                            coalesce(run.executed_at > coalesce(tasks.worked_at, '-infinity'), false),
                            CASE
                                WHEN run.execution_id IS NULL THEN 'There is no run.'
                                WHEN tasks.worked_at IS NULL THEN 'No work was reported since.'
                                WHEN run.executed_at > tasks.worked_at
                                    THEN 'The latest run came after the last reported work.'
                                ELSE format('Work went on for %s after the latest run.',
                                    date_trunc('second', tasks.worked_at - run.executed_at))
                            END)
                    ) AS proof (rule, met, detail)
                    WHERE tasks.task_id = id
                        AND (tasks.assigned_builder IS NOT NULL OR tasks.qa_suite_location <> '')
                    UNION ALL
                    SELECT stand.* FROM tasks, governance_goalposts_stand(id) AS stand
                    WHERE task_id = id AND qa_suite_location <> ''
                    UNION ALL
                    SELECT 'evidence_given', coalesce(evidence_location, '') <> '',
                        coalesce(nullif(evidence_location, ''), 'No evidence location is given.')
                    FROM tasks WHERE task_id = id
                    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
                    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
                $$;
                """,
                "governance_gate_complete_wave": r"""
                CREATE OR REPLACE FUNCTION governance_gate_complete_wave(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'program_in_progress', programs.state = 'in-progress',
                        format('The program is %s.', programs.state)
                    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
                    UNION ALL
                    SELECT 'tasks_completed', count(*) > 0 AND bool_and(state = 'completed'),
                        CASE count(*) WHEN 0 THEN 'It has no task: give it one, or delete it.'
                            ELSE format('%s of %s tasks are completed.',
                                count(*) FILTER (WHERE state = 'completed'), count(*)) END
                    FROM tasks WHERE wave_id = id
                    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
                $$;
                """,
                "governance_gate_start_task": r"""
                CREATE OR REPLACE FUNCTION governance_gate_start_task(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT * FROM governance_parents_in_progress(id)
                    UNION ALL
                    SELECT ready.* FROM tasks, governance_architecture_ready(id) AS ready
                    WHERE task_id = id AND assigned_builder IS NULL AND architecture_reference <> ''
                    UNION ALL
                    SELECT red.* FROM tasks, governance_suite_red(id) AS red
                    WHERE task_id = id AND assigned_builder IS NULL AND qa_suite_location <> ''
                    UNION ALL SELECT * FROM governance_no_open_blocker('task', id)
                    UNION ALL SELECT * FROM governance_no_unresolved_violation(id)
                $$;
                """,
                "governance_gate_start_wave": r"""
                CREATE OR REPLACE FUNCTION governance_gate_start_wave(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text)
                LANGUAGE sql STABLE AS $$
                    SELECT 'program_in_progress', programs.state = 'in-progress',
                        format('The program is %s.', programs.state)
                    FROM waves JOIN programs USING (program_id) WHERE wave_id = id
                    UNION ALL
                    SELECT 'dependencies_completed', count(*) = 0,
                        CASE count(*) WHEN 0 THEN 'Every wave before it is completed.'
                            ELSE format('Not completed: %s.', governance_names(array_agg(name))) END
                    FROM (
                        SELECT earlier.name
                        FROM waves AS wave
                        CROSS JOIN LATERAL jsonb_array_elements_text(wave.dependencies) AS dependency (id)
                        CROSS JOIN LATERAL (
                            SELECT * FROM waves WHERE waves.wave_id = dependency.id::uuid LIMIT 1
                        ) AS earlier
                        WHERE wave.wave_id = governance_gate_start_wave.id AND earlier.state <> 'completed'
                        ORDER BY earlier.sequence_number
                    ) AS waiting
                    UNION ALL SELECT * FROM governance_no_open_blocker('wave', id)
                $$;
                """,
                "governance_gate_unblock": r"""
                CREATE OR REPLACE FUNCTION governance_gate_unblock(kind text, id uuid, target text)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT * FROM governance_no_open_blocker(kind, id)
                    UNION ALL
                    SELECT 'returns_to_where_it_was', target = before, format('It was %s before.', before)
                    FROM governance_state_before_block(kind, id) AS before
                    UNION ALL
                    SELECT 'still_in_hand', builder_id IS NOT NULL,
                        CASE WHEN builder_id IS NULL THEN format('%s has put it down.', assigned_builder)
                            ELSE format('%s holds it.', builder_id) END
                    FROM tasks LEFT JOIN builders ON current_task_id = task_id
                    WHERE kind = 'task' AND task_id = id AND assigned_builder IS NOT NULL
                $$;
                """,
                "governance_goalposts_stand": r"""
                CREATE OR REPLACE FUNCTION governance_goalposts_stand(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'goalposts_stand', count(moved.name) = 0,
                        CASE
                            WHEN red.execution_id IS NULL THEN 'There is no run to compare with.'
                            WHEN count(moved.name) = 0 THEN 'Every test that was there before work began still is.'
                            ELSE concat_ws(' ',
                                'Vanished: ' || governance_names(
                                    array_agg(moved.name) FILTER (WHERE moved.what = 'vanished')) || '.',
                                'Skipped: ' || governance_names(
                                    array_agg(moved.name) FILTER (WHERE moved.what = 'skipped')) || '.')
                        END
                    FROM governance_red_run(id) AS red
                    CROSS JOIN governance_latest_run(id) AS latest
                    LEFT JOIN LATERAL governance_moved_goalposts(red.execution_id, latest.execution_id) AS moved
                        ON true
                    GROUP BY red.execution_id
                $$;
                """,
                "governance_is_kept": r"""
                CREATE OR REPLACE FUNCTION governance_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION '% is kept by triggers: what it follows from is to be changed.', TG_TABLE_NAME
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_is_kept', TABLE = TG_TABLE_NAME;
                END $$;

                CREATE OR REPLACE TRIGGER governance_is_kept
                    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON qa_latest_runs
                    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION governance_is_kept();
                """,
                "governance_is_under_way": r"""
                CREATE OR REPLACE FUNCTION governance_is_under_way(kind text, id uuid, state text) RETURNS boolean
                LANGUAGE sql STABLE AS $$
                    SELECT CASE state WHEN 'blocked' THEN governance_state_before_block(kind, id) ELSE state END
                        IN ('assigned', 'in-progress')
                $$;
                """,
                "governance_keep_latest_run": r"""
                CREATE OR REPLACE FUNCTION governance_keep_latest_run(run qa_executions) RETURNS void
                LANGUAGE sql AS $$
                    INSERT INTO qa_latest_runs AS kept (
                        execution_id, task_id, qa_suite_location, executed_at, qa_status,
                        total_tests, passing_tests, failing_tests, skipped_tests, test_debt_count
                    ) VALUES (
                        run.execution_id, run.task_id, run.qa_suite_location, run.executed_at, run.qa_status,
                        run.total_tests, run.passing_tests, run.failing_tests, run.skipped_tests,
                        run.test_debt_count
                    )
                    ON CONFLICT (task_id, qa_suite_location) DO UPDATE SET
                        execution_id = EXCLUDED.execution_id, executed_at = EXCLUDED.executed_at,
                        qa_status = EXCLUDED.qa_status, total_tests = EXCLUDED.total_tests,
                        passing_tests = EXCLUDED.passing_tests, failing_tests = EXCLUDED.failing_tests,
                        skipped_tests = EXCLUDED.skipped_tests, test_debt_count = EXCLUDED.test_debt_count
                    WHERE (kept.executed_at, kept.execution_id) < (EXCLUDED.executed_at, EXCLUDED.execution_id)
                $$;
                """,
                "governance_keep_latest_runs": r"""
                CREATE OR REPLACE FUNCTION governance_keep_latest_runs() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP <> 'INSERT' THEN
                        DELETE FROM qa_latest_runs
                        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows);
                        PERFORM governance_keep_latest_run(run) FROM qa_executions AS run
                        WHERE (task_id, qa_suite_location) IN (SELECT task_id, qa_suite_location FROM old_rows)
                        ORDER BY task_id, qa_suite_location, executed_at DESC, execution_id DESC;
                    END IF;
                    IF TG_OP <> 'DELETE' THEN
                        PERFORM governance_keep_latest_run(run)
                        FROM qa_executions AS run JOIN new_rows AS new USING (execution_id)
                        ORDER BY run.task_id, run.qa_suite_location, run.executed_at DESC, run.execution_id DESC;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_keep_latest_runs_inserted AFTER INSERT ON qa_executions
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

                CREATE OR REPLACE TRIGGER governance_keep_latest_runs_updated AFTER UPDATE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();

                CREATE OR REPLACE TRIGGER governance_keep_latest_runs_deleted AFTER DELETE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_keep_latest_runs();
                """,
                "governance_key_is_final": r"""
                CREATE OR REPLACE FUNCTION governance_key_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'The id of a row cannot be changed: the evidence speaks of it.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_key_is_final',
                            TABLE = TG_TABLE_NAME;
                END $$;
                """,
                "governance_latest_run": r"""
                CREATE OR REPLACE FUNCTION governance_latest_run(id uuid) RETURNS qa_executions
                LANGUAGE sql STABLE AS $$
                    SELECT run.* FROM qa_executions AS run JOIN tasks USING (task_id)
                    WHERE run.task_id = id AND run.qa_suite_location = tasks.qa_suite_location
                        AND tasks.qa_suite_location <> ''
                    ORDER BY run.executed_at DESC, run.execution_id DESC LIMIT 1
                $$;
                """,
                "governance_moved_goalposts": r"""
                CREATE OR REPLACE FUNCTION governance_moved_goalposts(before uuid, after uuid)
                RETURNS TABLE (name text, what text) LANGUAGE sql STABLE AS $$
                    SELECT b.name, CASE WHEN a.name IS NULL THEN 'vanished' ELSE 'skipped' END
                    FROM qa_test_results AS b
                    LEFT JOIN qa_test_results AS a ON a.execution_id = after AND a.name = b.name
                    WHERE b.execution_id = before AND b.outcome <> 'skipped'
                        AND (a.name IS NULL OR a.outcome = 'skipped')
                    UNION ALL
                    SELECT format('%s of %s tests', b.total_tests - a.total_tests, b.total_tests), 'vanished'
                    FROM qa_executions AS b, qa_executions AS a
                    WHERE b.execution_id = before AND a.execution_id = after
                        AND a.total_tests < b.total_tests
                        AND NOT EXISTS (SELECT FROM qa_test_results WHERE execution_id = before)
                    ORDER BY 2, 1
                $$;
                """,
                "governance_names": r"""
                CREATE OR REPLACE FUNCTION governance_names(names text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
                    SELECT array_to_string(names[1:3], ', ')
                        || CASE WHEN cardinality(names) > 3
                            THEN format(' and %s more', cardinality(names) - 3) ELSE '' END
                $$;
                """,
                "governance_no_open_blocker": r"""
                CREATE OR REPLACE FUNCTION governance_no_open_blocker(kind text, id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'no_open_blocker', count(*) = 0,
                        CASE count(*) WHEN 0 THEN 'Nothing blocks it.'
                            ELSE 'Open: ' || string_agg(replace(classification, '_', ' '), ', ') || '.' END
                    FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
                $$;
                """,
                "governance_no_truncate": r"""
                CREATE OR REPLACE FUNCTION governance_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'TRUNCATE would remove rows without evidence; use DELETE.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_no_truncate',
                            TABLE = TG_TABLE_NAME;
                END $$;
                """,
                "governance_no_unresolved_violation": r"""
                CREATE OR REPLACE FUNCTION governance_no_unresolved_violation(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'no_unresolved_violation', count(*) = 0,
                        CASE count(*) WHEN 0 THEN 'No rule is broken.'
                            ELSE 'Unresolved: ' || string_agg(violation_type, ', ') || '.' END
                    FROM governance_violations WHERE task_id = id AND resolved_at IS NULL
                $$;
                """,
                "governance_parents_in_progress": r"""
                CREATE OR REPLACE FUNCTION governance_parents_in_progress(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT parent.rule, parent.state = 'in-progress', parent.detail
                    FROM tasks JOIN waves USING (wave_id) JOIN programs USING (program_id)
                    CROSS JOIN LATERAL (VALUES
                        ('wave_in_progress', waves.state, format('The wave is %s.', waves.state)),
                        ('program_in_progress', programs.state, format('The program is %s.', programs.state))
                    ) AS parent (rule, state, detail)
                    WHERE task_id = id
                $$;
                """,
                "governance_programs_gate": r"""
                CREATE OR REPLACE FUNCTION governance_programs_gate() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.state <> OLD.state AND NEW.state IN ('in-progress', 'completed')
                        AND NOT programs_is_forced()
                    THEN
                        PERFORM governance_refuse('program', NEW.program_id, OLD.state, NEW.state, NULL);
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_programs_gate AFTER UPDATE ON programs
                    FOR EACH ROW EXECUTE FUNCTION governance_programs_gate();
                """,
                "governance_programs_open": r"""
                CREATE OR REPLACE FUNCTION governance_programs_open() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    moved uuid[];
                    left_behind uuid[];
                    entered uuid[];
                    closed text;
                    begun text;
                    state text;
                BEGIN
                    IF programs_is_forced() THEN
                        RETURN NULL;
                    END IF;
                    IF TG_OP = 'INSERT' THEN
                        SELECT array_agg(DISTINCT program_id) INTO entered FROM new_rows;
                    ELSE
                        SELECT array_agg(wave_id), array_agg(o.program_id), array_agg(n.program_id)
                        INTO moved, left_behind, entered
                        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
                        WHERE n.program_id <> o.program_id;
                    END IF;
                    IF entered IS NULL THEN
                        RETURN NULL;
                    END IF;
                    PERFORM 1 FROM programs WHERE program_id = ANY (left_behind || entered)
                    ORDER BY program_id FOR NO KEY UPDATE;
                    SELECT name INTO closed FROM programs
                    WHERE program_id = ANY (entered) AND programs.state = 'completed' LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'Program "%" is completed: nothing is added to it.', closed
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_open',
                                TABLE = 'waves', COLUMN = 'program_id';
                    END IF;
                    SELECT waves.name, programs.state INTO begun, state
                    FROM waves JOIN programs USING (program_id)
                    WHERE wave_id = ANY (moved) AND programs.state <> 'in-progress'
                        AND governance_is_under_way('wave', wave_id, waves.state)
                    LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'Wave "%" is under way: only a program in progress takes it in. '
                            'The program is %.', begun, state
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_programs_in_progress',
                                TABLE = 'waves', COLUMN = 'program_id';
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_programs_open AFTER INSERT ON waves
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();

                CREATE OR REPLACE TRIGGER governance_programs_open_to_moved AFTER UPDATE ON waves
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_programs_open();
                """,
                "governance_raise_blocker": r"""
                CREATE OR REPLACE FUNCTION governance_raise_blocker(
                    kind text, id uuid, trouble text, what_happened text
                ) RETURNS uuid LANGUAGE plpgsql AS $$
                DECLARE
                    known uuid;
                BEGIN
                    SELECT blocker_id INTO known FROM blockers
                    WHERE entity_type = kind AND entity_id = id AND classification = trouble
                    ORDER BY resolved_at DESC NULLS FIRST, detected_at DESC LIMIT 1
                    FOR NO KEY UPDATE;
                    IF NOT FOUND THEN
                        INSERT INTO blockers (entity_type, entity_id, classification, description)
                        VALUES (kind, id, trouble, what_happened)
                        ON CONFLICT (entity_type, entity_id, classification) WHERE resolved_at IS NULL
                        DO UPDATE SET occurrences = blockers.occurrences + 1, description = excluded.description
                        RETURNING blocker_id INTO known;
                    ELSE
                        UPDATE blockers
                        SET occurrences = occurrences + 1,
                            description = what_happened,
                            detected_at = CASE WHEN resolved_at IS NULL THEN detected_at ELSE now() END,
                            resolved_at = NULL,
                            resolution_action = NULL
                        WHERE blocker_id = known;
                    END IF;
                    RETURN known;
                END $$;
                """,
                "governance_red_run": r"""
                CREATE OR REPLACE FUNCTION governance_red_run(id uuid) RETURNS qa_executions
                LANGUAGE sql STABLE AS $$
                    SELECT run.*
                    FROM tasks
                    JOIN qa_executions AS run ON run.task_id = tasks.task_id
                        AND run.qa_suite_location = tasks.qa_suite_location AND tasks.qa_suite_location <> ''
                    LEFT JOIN LATERAL (
                        SELECT timestamp AS at FROM evidence_trail
                        WHERE entity_type = 'task' AND entity_id = tasks.task_id AND witnessed
                            AND context ->> 'from' = 'planned' AND context ->> 'to' IN ('assigned', 'in-progress')
                        ORDER BY sequence DESC LIMIT 1
                    ) AS begun ON true
                    WHERE tasks.task_id = id
                    ORDER BY
                        run.executed_at <= begun.at DESC NULLS LAST,
                        CASE WHEN run.executed_at <= begun.at THEN run.executed_at END DESC,
                        run.executed_at,
                        run.execution_id
                    LIMIT 1
                $$;
                """,
                "governance_refuse": r"""
                CREATE OR REPLACE FUNCTION governance_refuse(
                    kind text, id uuid, source text, target text, builder text
                )
                RETURNS void LANGUAGE plpgsql AS $$
                DECLARE
                    unmet jsonb;
                    reasons text;
                BEGIN
                    SELECT jsonb_agg(to_jsonb(gate)), string_agg(gate.detail, ' ') INTO unmet, reasons
                    FROM governance_gate(kind, id, source, target, builder) AS gate WHERE NOT gate.met;
                    IF FOUND AND unmet IS NOT NULL THEN
                        RAISE EXCEPTION 'The % cannot become %. %', kind, target, reasons
                            USING ERRCODE = 'check_violation', CONSTRAINT = format('governance_%ss_gate', kind),
                                TABLE = kind || 's', COLUMN = 'state', DETAIL = unmet::text;
                    END IF;
                END $$;
                """,
                "governance_state_before_block": r"""
                CREATE OR REPLACE FUNCTION governance_state_before_block(kind text, id uuid) RETURNS text
                LANGUAGE sql STABLE AS $$
                    SELECT coalesce((
                        SELECT context ->> 'from' FROM evidence_trail
                        WHERE entity_type = kind AND entity_id = id
                            AND witnessed AND context ->> 'to' = 'blocked'
                        ORDER BY sequence DESC LIMIT 1
                    ), 'planned')
                $$;
                """,
                "governance_subject": r"""
                CREATE OR REPLACE FUNCTION governance_subject(
                    noun text, doc jsonb, OUT entity_type text, OUT entity_id uuid
                ) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                    SELECT
                        CASE
                            WHEN noun IN ('program', 'wave', 'task', 'builder') THEN noun
                            WHEN noun = 'blocker' THEN doc ->> 'entity_type'
                            WHEN doc ->> 'task_id' IS NOT NULL THEN 'task'
                            ELSE 'builder'
                        END,
                        CASE
                            WHEN noun = 'program' THEN (doc ->> 'program_id')::uuid
                            WHEN noun = 'wave' THEN (doc ->> 'wave_id')::uuid
                            WHEN noun = 'blocker' THEN (doc ->> 'entity_id')::uuid
                            WHEN noun <> 'builder' AND doc ->> 'task_id' IS NOT NULL
                                THEN (doc ->> 'task_id')::uuid
                            ELSE builder_entity_id(coalesce(doc ->> 'builder_id', 'foreman'))
                        END
                $$;
                """,
                "governance_suite_red": r"""
                CREATE OR REPLACE FUNCTION governance_suite_red(id uuid)
                RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE AS $$
                    SELECT 'suite_red', coalesce(run.failing_tests > 0 AND run.skipped_tests = 0, false),
                        CASE
                            WHEN tasks.qa_suite_location = '' THEN 'The task names no suite.'
                            WHEN run.execution_id IS NULL THEN format('%s was never run.', tasks.qa_suite_location)
                            WHEN run.skipped_tests > 0
                                THEN format('%s of %s tests are skipped.', run.skipped_tests, run.total_tests)
                            WHEN run.failing_tests = 0
                                THEN format('All %s tests pass: nothing is left to build.', run.total_tests)
                            ELSE format('%s of %s tests fail.', run.failing_tests, run.total_tests)
                        END
                    FROM tasks, governance_latest_run(id) AS run
                    WHERE tasks.task_id = id
                $$;
                """,
                "governance_tasks_gate": r"""
                CREATE OR REPLACE FUNCTION governance_tasks_gate() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    -- What somebody works on is given to nobody else: it is released first, and assigned anew.
                    IF NEW.assigned_builder IS DISTINCT FROM OLD.assigned_builder
                        AND 'planned' NOT IN (OLD.state, NEW.state)
                        AND (OLD.state <> 'blocked' OR EXISTS (
                            SELECT FROM builders WHERE current_task_id = NEW.task_id
                        ))
                        AND NOT programs_is_forced()
                    THEN
                        RAISE EXCEPTION 'The % task "%" is %: it cannot be given to another.', OLD.state, NEW.name,
                            CASE WHEN OLD.assigned_builder IS NULL THEN 'the foreman''s own work'
                                ELSE 'with ' || OLD.assigned_builder END
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_tasks_in_hand',
                                TABLE = 'tasks', COLUMN = 'assigned_builder';
                    END IF;
                    IF NEW.state = OLD.state OR NEW.state NOT IN ('assigned', 'in-progress', 'completed') THEN
                        RETURN NULL;
                    END IF;
                    PERFORM 1 FROM builders
                    WHERE builder_id = NEW.assigned_builder OR current_task_id = NEW.task_id
                    ORDER BY builder_id FOR NO KEY UPDATE;
                    PERFORM 1 FROM waves WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE;
                    PERFORM 1 FROM programs JOIN waves USING (program_id)
                    WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE OF programs;
                    IF NOT programs_is_forced() THEN
                        PERFORM governance_refuse(
                            'task', NEW.task_id, OLD.state, NEW.state, NEW.assigned_builder);
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_tasks_gate AFTER UPDATE ON tasks
                    FOR EACH ROW EXECUTE FUNCTION governance_tasks_gate();
                """,
                "governance_token_evidence": r"""
                CREATE OR REPLACE FUNCTION governance_token_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    token builder_tokens;
                    verb text;
                BEGIN
                    IF TG_OP = 'DELETE' THEN
                        token := OLD;
                        verb := 'token_deleted';
                    ELSIF TG_OP = 'INSERT' THEN
                        token := NEW;
                        verb := 'token_issued';
                    ELSE
                        token := NEW;
                        verb := CASE
                            WHEN NEW.builder_id <> OLD.builder_id OR NEW.digest <> OLD.digest THEN 'token_edited'
                            WHEN NEW.revoked_at IS NOT DISTINCT FROM OLD.revoked_at THEN NULL  -- it was used
                            WHEN NEW.revoked_at IS NULL THEN 'token_restored'
                            WHEN OLD.revoked_at IS NULL THEN 'token_revoked'
                            ELSE 'token_edited'
                        END;
                    END IF;
                    IF verb IS NOT NULL THEN
                        INSERT INTO evidence_trail
                            (entity_type, entity_id, action, actor, backend, model, context)
                        SELECT 'builder', builder_entity_id(token.builder_id), verb,
                            who.actor, who.backend, who.model,
                            who.context || jsonb_build_object('snapshot', jsonb_build_object(
                                'token_id', token.token_id,
                                'builder_id', token.builder_id,
                                'prefix', token.prefix,
                                'created_at', token.created_at,
                                'revoked_at', token.revoked_at))
                        FROM governance_actor() AS who;
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_token_evidence
                    AFTER INSERT OR UPDATE OR DELETE ON builder_tokens
                    FOR EACH ROW EXECUTE FUNCTION governance_token_evidence();
                """,
                "governance_topics": r"""
                CREATE OR REPLACE FUNCTION governance_topics(kind text, docs jsonb[]) RETURNS text
                LANGUAGE sql STABLE AS $$
                    WITH named AS (
                        SELECT DISTINCT thing.kind, thing.id FROM unnest(docs) AS doc CROSS JOIN LATERAL (VALUES
                            ('program', doc ->> 'program_id'),
                            ('wave', doc ->> 'wave_id'),
                            ('task', doc ->> 'task_id'),
                            ('builder', doc ->> 'builder_id'),
                            ('builder', doc ->> 'assigned_builder'),
                            (nullif(doc ->> 'entity_type', 'builder'), doc ->> 'entity_id')
                        ) AS thing (kind, id) WHERE thing.id IS NOT NULL
                    ), holders AS (
                        SELECT 'wave' AS kind, wave_id::text AS id FROM tasks
                        WHERE task_id = ANY (ARRAY(SELECT id::uuid FROM named WHERE named.kind = 'task'))
                    ), owners AS (
                        SELECT 'program' AS kind, program_id::text AS id FROM waves
                        WHERE wave_id = ANY (ARRAY(
                            SELECT id::uuid FROM (TABLE named UNION ALL TABLE holders) AS known
                            WHERE known.kind = 'wave'
                        ))
                    ), subjects AS (  -- evidence names a builder by an id made of its name
                        SELECT 'builder' AS kind, builder_id AS id FROM builders
                        WHERE builder_entity_id(builder_id)::text IN (
                            SELECT id FROM named WHERE named.kind IS NULL)
                    )
                    SELECT concat_ws(' ', kind, (
                        SELECT string_agg(concat(thing.kind, ':', thing.id), ' ')
                        FROM (TABLE named UNION TABLE holders UNION TABLE owners UNION TABLE subjects) AS thing
                        WHERE thing.kind IS NOT NULL
                    ))
                $$;
                """,
                "governance_unblock": r"""
                CREATE OR REPLACE FUNCTION governance_unblock(kind text, id uuid) RETURNS void
                LANGUAGE plpgsql AS $$
                DECLARE
                    before text;
                BEGIN
                    -- Locked before looking: of the last two that are resolved at once, the later sees the earlier.
                    PERFORM 1 FROM programs WHERE kind = 'program' AND program_id = id FOR NO KEY UPDATE;
                    PERFORM 1 FROM waves WHERE kind = 'wave' AND wave_id = id FOR NO KEY UPDATE;
                    PERFORM 1 FROM tasks WHERE kind = 'task' AND task_id = id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT FROM blockers WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL
                    ) THEN
                        RETURN;
                    END IF;
                    before := governance_state_before_block(kind, id);
                    UPDATE programs SET state = before
                    WHERE kind = 'program' AND program_id = id AND state = 'blocked';
                    UPDATE waves SET state = before
                    WHERE kind = 'wave' AND wave_id = id AND state = 'blocked';
                    UPDATE tasks SET state = CASE
                        WHEN assigned_builder IS NULL
                            OR EXISTS (SELECT FROM builders WHERE current_task_id = task_id)
                        THEN before ELSE 'planned' END
                    WHERE kind = 'task' AND task_id = id AND state = 'blocked';
                END $$;
                """,
                "governance_violations_lock": r"""
                CREATE OR REPLACE FUNCTION governance_violations_lock() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.resolved_at IS NULL AND NOT programs_is_history() THEN
                        PERFORM 1 FROM blockers
                        WHERE entity_type = 'task' AND entity_id = NEW.task_id
                            AND classification = 'constitutional_violation'
                        ORDER BY blocker_id FOR NO KEY UPDATE;
                        PERFORM 1 FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER governance_violations_lock BEFORE INSERT ON governance_violations
                    FOR EACH ROW EXECUTE FUNCTION governance_violations_lock();
                """,
                "governance_waves_gate": r"""
                CREATE OR REPLACE FUNCTION governance_waves_gate() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.state = OLD.state OR NEW.state NOT IN ('in-progress', 'completed') THEN
                        RETURN NULL;
                    END IF;
                    IF jsonb_typeof(NEW.dependencies) = 'array' THEN
                        PERFORM 1 FROM waves
                        WHERE program_id = NEW.program_id
                            AND wave_id::text IN (SELECT jsonb_array_elements_text(NEW.dependencies))
                        ORDER BY wave_id FOR SHARE;
                    END IF;
                    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
                    IF NOT programs_is_forced() THEN
                        PERFORM governance_refuse('wave', NEW.wave_id, OLD.state, NEW.state, NULL);
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_waves_gate AFTER UPDATE ON waves
                    FOR EACH ROW EXECUTE FUNCTION governance_waves_gate();
                """,
                "governance_waves_open": r"""
                CREATE OR REPLACE FUNCTION governance_waves_open() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    moved uuid[];
                    left_behind uuid[];
                    entered uuid[];
                    closed text;
                    begun text;
                    reasons text;
                BEGIN
                    IF programs_is_forced() THEN
                        RETURN NULL;
                    END IF;
                    IF TG_OP = 'INSERT' THEN
                        SELECT array_agg(DISTINCT wave_id) INTO entered FROM new_rows;
                    ELSE
                        SELECT array_agg(task_id), array_agg(o.wave_id), array_agg(n.wave_id)
                        INTO moved, left_behind, entered
                        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
                        WHERE n.wave_id <> o.wave_id;
                    END IF;
                    IF entered IS NULL THEN
                        RETURN NULL;
                    END IF;
                    PERFORM 1 FROM waves WHERE wave_id = ANY (left_behind || entered)
                    ORDER BY wave_id FOR NO KEY UPDATE;
                    SELECT name INTO closed FROM waves
                    WHERE wave_id = ANY (entered) AND state = 'completed' LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'Wave "%" is completed: nothing is added to it.', closed
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_open',
                                TABLE = 'tasks', COLUMN = 'wave_id';
                    END IF;

                    moved := ARRAY(
                        SELECT task_id FROM tasks
                        WHERE task_id = ANY (moved) AND governance_is_under_way('task', task_id, state)
                    );
                    PERFORM 1 FROM programs
                    WHERE program_id IN (
                        SELECT program_id FROM tasks JOIN waves USING (wave_id) WHERE task_id = ANY (moved)
                    )
                    ORDER BY program_id FOR NO KEY UPDATE;
                    SELECT tasks.name, string_agg(parent.detail, ' ') INTO begun, reasons
                    FROM tasks CROSS JOIN LATERAL governance_parents_in_progress(task_id) AS parent
                    WHERE task_id = ANY (moved) AND NOT parent.met
                    GROUP BY task_id LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'Task "%" is under way: only a wave in progress takes it in. %',
                            begun, reasons
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_waves_in_progress',
                                TABLE = 'tasks', COLUMN = 'wave_id';
                    END IF;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER governance_waves_open AFTER INSERT ON tasks
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();

                CREATE OR REPLACE TRIGGER governance_waves_open_to_moved AFTER UPDATE ON tasks
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_waves_open();
                """,
                "governed_builder_tokens": r"""
                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builder_tokens
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON builder_tokens
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON builder_tokens
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON builder_tokens
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');
                """,
                "governed_builders": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON builders
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated
                    AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at, state_since,
                        assigned_at
                    ON builders
                    FOR EACH ROW EXECUTE FUNCTION
                        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON builders
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF builder_id ON builders
                    FOR EACH ROW WHEN (NEW.builder_id <> OLD.builder_id)
                    EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builders
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
                """,
                "governed_tables_programs": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON programs
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON programs
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON programs
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('program', 'program_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF program_id ON programs
                    FOR EACH ROW WHEN (NEW.program_id <> OLD.program_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON programs
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON programs
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON programs
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON programs
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');
                """,
                "governed_tables_waves": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON waves
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON waves
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON waves
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('wave', 'wave_id', '{updated_at,progress_percentage}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF wave_id ON waves
                    FOR EACH ROW WHEN (NEW.wave_id <> OLD.wave_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON waves
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON waves
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON waves
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON waves
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');
                """,
                "governed_tables_tasks": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON tasks
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON tasks
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('task', 'task_id', '{updated_at,worked_at}', '{progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON tasks
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF task_id ON tasks
                    FOR EACH ROW WHEN (NEW.task_id <> OLD.task_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON tasks
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON tasks
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON tasks
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON tasks
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('task', '{updated_at}');
                """,
                "governed_tables_builder_pauses": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON builder_pauses
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('pause', 'pause_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON builder_pauses
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('pause', 'pause_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON builder_pauses
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('pause', 'pause_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF pause_id ON builder_pauses
                    FOR EACH ROW WHEN (NEW.pause_id <> OLD.pause_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builder_pauses
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON builder_pauses
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON builder_pauses
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON builder_pauses
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('pause', '{}');
                """,
                "governed_tables_blockers": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON blockers
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('blocker', 'blocker_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON blockers
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('blocker', 'blocker_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON blockers
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('blocker', 'blocker_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF blocker_id ON blockers
                    FOR EACH ROW WHEN (NEW.blocker_id <> OLD.blocker_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON blockers
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON blockers
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON blockers
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON blockers
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('blocker', '{}');
                """,
                "governed_tables_governance_violations": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON governance_violations
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('violation', 'violation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON governance_violations
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('violation', 'violation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON governance_violations
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('violation', 'violation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF violation_id ON governance_violations
                    FOR EACH ROW WHEN (NEW.violation_id <> OLD.violation_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON governance_violations
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON governance_violations
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON governance_violations
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON governance_violations
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('violation', '{}');
                """,
                "governed_tables_architecture_validations": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON architecture_validations
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('validation', 'validation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON architecture_validations
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('validation', 'validation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON architecture_validations
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('validation', 'validation_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF validation_id ON architecture_validations
                    FOR EACH ROW WHEN (NEW.validation_id <> OLD.validation_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON architecture_validations
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON architecture_validations
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON architecture_validations
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON architecture_validations
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('validation', '{}');
                """,
                "governed_tables_qa_executions": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON qa_executions
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('qa_run', 'execution_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('qa_run', 'execution_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('qa_run', 'execution_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF execution_id ON qa_executions
                    FOR EACH ROW WHEN (NEW.execution_id <> OLD.execution_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON qa_executions
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON qa_executions
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON qa_executions
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('run', '{}');
                """,
                "governed_tables_completion_claims": r"""
                CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON completion_claims
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('claim', 'claim_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON completion_claims
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('claim', 'claim_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON completion_claims
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION
                        governance_evidence('claim', 'claim_id', '{}', '{}');

                CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF claim_id ON completion_claims
                    FOR EACH ROW WHEN (NEW.claim_id <> OLD.claim_id) EXECUTE FUNCTION governance_key_is_final();

                CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON completion_claims
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

                CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON completion_claims
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON completion_claims
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');

                CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON completion_claims
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('claim', '{}');
                """,
            },
        ),
    ]
