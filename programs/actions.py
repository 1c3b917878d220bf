"""What can be done with the plan, each as one function."""

from foreman_office.kit.acts import Actor, act
from programs.models import Program, Wave


def approve_program(program: Program, *, by: Actor) -> Program:
    """Let a planned program begin."""
    with act(by):
        program.state = Program.State.IN_PROGRESS
        program.save(update_fields=["state"])
    return program


def start_wave(wave: Wave, *, by: Actor) -> Wave:
    """Let the work of a wave begin."""
    with act(by):
        wave.state = Wave.State.IN_PROGRESS
        wave.save(update_fields=["state"])
    return wave


def complete_wave(wave: Wave, *, by: Actor) -> Wave:
    """Say that all work of a wave is done."""
    with act(by):
        wave.state = Wave.State.COMPLETED
        wave.save(update_fields=["state"])
    return wave


def complete_program(program: Program, *, by: Actor) -> Program:
    """Say that all waves of a program are done."""
    with act(by):
        program.state = Program.State.COMPLETED
        program.save(update_fields=["state"])
    return program
