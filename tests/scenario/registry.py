"""Which scenario replays which vectors: filled by @scenario, read by the runner and the table."""
from typing import Callable, NamedTuple

SCENARIOS = []


class Scenario(NamedTuple):
    name: str
    covers: tuple
    alone: bool
    function: Callable


def scenario(*covers, alone=False):
    """Marks a function as a scenario of these vectors. It gets the group's World; where it is
    `alone` it gets the build directory and starts what it needs."""
    def mark(function):
        SCENARIOS.append(Scenario(function.__name__, covers, alone, function))
        return function
    return mark
