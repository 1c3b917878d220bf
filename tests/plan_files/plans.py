"""Plan files that the tests read, write into the office and export again."""

from io import BytesIO, StringIO

from django.core.management import call_command

from foreman_office import plan_files
from programs.models import Program

GOOD = """\
format_version: 1
program:
  key: lamps
  name: Lamps
  waves:
  - key: first
    name: The first wave
    sequence_number: 1
    tasks:
    - key: wire
      name: Wire the lamp
      assigned_builder: ui-builder
      state: completed
      progress_percentage: 100
      started_at: 2026-01-08T10:00:00Z
      qa_runs:
      - key: run-1
        total: 4
        passing: 3
        failing: 1
        qa_status: PARTIAL
        executed_at: 2026-01-08T11:00:00Z
      validations:
      - key: check-1
        validation_results:
          drawings: {complete: true, signed: false}
        pass_rate: 50
        build_readiness: NOT_READY
        validated_at: 2026-01-08T09:00:00Z
  - key: second
    name: The second wave
    sequence_number: 2
    dependencies: [first]
builders:
- builder_id: ui-builder
  backend_type: hosted
blockers:
- key: stuck
  entity_type: wave
  entity: second
  classification: protected_path
  description: The path is protected.
  detected_at: 2026-01-08
evidence:
- key: looked
  entity_type: task
  entity: wire
  action: looked-at
  timestamp: 2026-01-08T12:00:00Z
"""


def read(text, name="plan.yaml", **options):
    content = text if isinstance(text, bytes) else text.encode()
    return plan_files.read_plan(BytesIO(content), name, **options)


def load(text, **options):
    """Write a plan into the office, and return what that changed."""
    return plan_files.apply(read(text), by=None, **options)


def load_program(text, name="plan.yaml", **options):
    """Write a plan into an office that has no other, and return its program."""
    with read(text, name) as plan:
        plan_files.apply(plan, by=None, **options)
    return Program.objects.get()


def load_sample(**options):
    return load_program(plan_files.SAMPLE.read_text(), "sample.yaml", **options)


def exported(program):
    with plan_files.export(program) as file:
        return file.read().decode()


def imported(*args, **options):
    """Return what the command says of an import."""
    out = StringIO()
    call_command("import_plan", *args, stdout=out, **options)
    return out.getvalue()


def id_of(kind, key, program="lamps"):
    return plan_files.record_id(plan_files.program_id(program), kind, key)
