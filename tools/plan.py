"""Print what a run of params.yaml takes: images, steps, time and disk (`make plan`).

Steps are timed for ten seconds with random weights. Nothing is downloaded or written.
"""

from srcnn.settings import Settings
from stages.run_stage import run_stage
from tools.plan_text import plan_text
from tools.run_cost import find_photographs
from tools.time_steps import describe_machine, measure_rates, single_process_fabric

BUDGET = 10.0
"""Seconds to time training steps."""


def main(settings: Settings) -> None:
    """Print the plan."""
    photographs = find_photographs(settings.data)
    fabric = single_process_fabric(settings)
    rates = measure_rates(settings, fabric, BUDGET)
    print(plan_text(settings, photographs, rates, describe_machine(fabric)))


if __name__ == "__main__":
    run_stage(main)
