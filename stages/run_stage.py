"""What all stage scripts share: the command line, the settings, and errors as one line."""

import argparse
import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from srcnn.errors import InputError, Stopped
from srcnn.models.portable import pin_arithmetic
from srcnn.settings import read_settings
from srcnn.utils.signals import exit_on_signals
from srcnn.utils.system import escape_output
from stages.input_guard import InputGuard


def run_stage(main: Callable[..., None], *options: str) -> None:
    """Read the options and `params.yaml`, call `main(settings, **options)`, exit with its status.

    The options of a stage are `scale` (an integer), `loss` (a model's name), both or none.
    """
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    if "scale" in options:
        parser.add_argument("--scale", type=int, required=True, help="the scale, such as 2")
    if "loss" in options:
        parser.add_argument("--loss", required=True, help="mse, perceptual or a variant's name")
    arguments = vars(parser.parse_args())
    gc.freeze()  # no collection looks through the imports again, nor the three at Python's end
    escape_output()
    with exit_on_signals():
        _run(main, arguments)


def _run(main: Callable[..., None], arguments: Mapping[str, Any]) -> None:
    """Call `main`; an error becomes one line on stderr and exit status 1, Ctrl-C status 130."""
    try:
        settings = read_settings()
        for option, known in (("scale", settings.scales), ("loss", settings.losses)):
            if option in arguments and arguments[option] not in known:
                values = ", ".join(map(str, known))
                raise InputError(f"--{option} {arguments[option]}: params.yaml has only {values}")
        if settings.portable:
            pin_arithmetic()
        guard = InputGuard(arguments)
        main(settings, **arguments)
        guard.check()
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except Stopped as stopped:
        print(f"{stopped}; the same command continues", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            print("stopped", file=sys.stderr)
        sys.exit(130)
