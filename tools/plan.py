"""Say what a run of params.yaml will take, before it is begun: images, steps, time and disk.

    make plan

Steps are timed for ten seconds with random weights. Nothing is downloaded, nothing written.
"""

from srcnn.plan import find_photographs
from srcnn.plan_text import plan_text
from srcnn.probe import machine, measured, probing_fabric
from srcnn.settings import Settings
from srcnn.stage import run_stage

BUDGET = 10.0
"""Seconds for all training steps that are timed."""


def main(settings: Settings) -> None:
    """Print the plan."""
    photographs = find_photographs(settings.data)
    fabric = probing_fabric(settings)
    rates = measured(settings, fabric, BUDGET)
    print(plan_text(settings, photographs, rates, machine(fabric)))


if __name__ == "__main__":
    run_stage(main)
