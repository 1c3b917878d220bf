"""The import of a large plan file, beside COPY of the same rows into a plain table."""

import io
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from tempfile import NamedTemporaryFile

import yaml
from django.db import connection

from bench.alone import alone
from bench.figures import Measurement, compare_pairs, interleaved
from bench.office import database_copy
from bench.sizes import Sizes
from foreman_office import plan_files
from programs.models import Task

WAVES = 20


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_imports"):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_tasks AS TABLE tasks")
        numbers = count(1)
        pairs = interleaved(
            sizes.rounds,
            lambda: import_plan(plan_file(next(numbers), sizes.tasks)),
            lambda: copy_rows(sizes.tasks),
        )
        for step, what in enumerate(["read and check", "write", "import"]):
            yield compare_pairs(
                f"{what} a plan of {sizes.tasks:,} tasks",
                "ms",
                [(measured[step], floor) for measured, floor in pairs],
            )
        yield compare_pairs(
            f"memory of the import, {sizes.tasks:,} tasks and a tenth",
            "MB",
            [(memory(next(numbers), sizes.tasks), memory(next(numbers), sizes.tasks // 10))],
        )


def plan_file(number: int, tasks: int) -> bytes:
    """Return a plan file of a program that no office has."""
    waves = [
        {
            "key": f"wave-{wave}",
            "name": f"Wave {wave}",
            "sequence_number": wave,
            "dependencies": [f"wave-{wave - 1}"] if wave > 1 else [],
            "state": "planned",
            "tasks": [
                {
                    "key": f"task-{task}",
                    "name": f"Task {task}",
                    "assigned_builder": "api-builder",
                    "state": "planned",
                    "progress_percentage": 0,
                    "architecture_reference": f"docs/architecture/{task}.md",
                    "qa_suite_location": f"tests/{task}",
                    "acceptance_criteria": "It works.\nIt is tested.\nIt is documented.\n",
                    "source": f"plan.md#{task}",
                }
                for task in range(wave, tasks + 1, WAVES)
            ],
        }
        for wave in range(1, min(WAVES, tasks) + 1)
    ]
    program = {
        "key": f"program-{number}",
        "name": f"Program {number}",
        "description": "Made to be measured.",
        "objectives": ["Be measured"],
        "state": "planned",
        "waves": waves,
    }
    return yaml.dump(
        {"format_version": 1, "program": program}, Dumper=yaml.CSafeDumper, sort_keys=False
    ).encode()


def memory(number: int, tasks: int) -> float:
    """Return by how much a process grows that imports a plan, in MB."""
    with NamedTemporaryFile() as file:
        file.write(plan_file(number, tasks))
        file.flush()
        _, (most, before) = alone(partial(import_file, file.name))
    return most - before


def import_file(name: str) -> None:
    with open(name, "rb") as stream:
        plan = plan_files.read_plan(stream, name)
    with plan:
        plan_files.apply(plan, by=None)


def import_plan(content: bytes) -> tuple[float, float, float]:
    """Import a plan, and return how long reading, writing and both took."""
    began = time.perf_counter()
    plan = plan_files.read_plan(io.BytesIO(content), "generated.yaml")
    read = time.perf_counter()
    with plan:
        plan_files.apply(plan, by=None)
    written = time.perf_counter()
    return (read - began) * 1000, (written - read) * 1000, (written - began) * 1000


def copy_rows(number: int) -> float:
    """COPY so many of the imported tasks into a table without keys, indexes or triggers."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_tasks")
        columns = [field.column for field in Task._meta.local_fields]
        cursor.execute("SELECT * FROM tasks LIMIT %s", [number])
        rows = cursor.fetchall()
        began = time.perf_counter()
        with cursor.copy(f"COPY bench_tasks ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return (time.perf_counter() - began) * 1000
