"""What every stage script shares: its command line, its settings, and errors as one line."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from srcnn.errors import InputError, Stopped
from srcnn.models.portable import pin_arithmetic
from srcnn.settings import read_settings
from stages.input_guard import Record


def run_stage(main: Callable[..., None], *options: str) -> None:
    """Read the options and `params.yaml`, call `main(settings, **options)`, exit with its status.

    Args:
        main: the stage.
        options: which of `scale` (a whole number) and `loss` (one of `settings.losses`) it takes.
    """
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    if "scale" in options:
        parser.add_argument("--scale", type=int, required=True, help="the enlargement, such as 2")
    if "loss" in options:
        parser.add_argument("--loss", required=True, help="mse, perceptual or a variant's name")
    arguments = vars(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # cleaning up
    try:
        settings = read_settings()
        _check_listed(arguments, "scale", "scales", settings.scales)
        _check_listed(arguments, "loss", "losses", settings.losses)
        if settings.portable:
            pin_arithmetic()
        record = Record(arguments)
        main(settings, **arguments)
        record.check()
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except Stopped as stopped:
        print(f"{stopped}; the same command goes on from there", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            print("stopped", file=sys.stderr)
        sys.exit(130)


def _check_listed(
    arguments: dict[str, Any], option: str, plural: str, known: Sequence[Any]
) -> None:
    if option in arguments and arguments[option] not in known:
        listed = ", ".join(map(str, known))
        raise InputError(f"--{option} {arguments[option]}: params.yaml has the {plural} {listed}")
