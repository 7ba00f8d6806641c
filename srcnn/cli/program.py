"""The program `srcnn`: one verb for each thing that it does beside the pipeline.

A verb's function imports what it needs itself, so that help and wrong options are quick to answer.
"""

import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from srcnn.cli.arguments import parser
from srcnn.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; what goes wrong becomes one line on stderr.

    Args:
        arguments: those after the program's name; the process's own by default.

    Returns:
        the exit status: 0 only when the work is done, 130 after Ctrl-C.

    Raises:
        SystemExit: help was asked for, or the command line makes no sense (status 2).
    """
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a file we say ourselves
    options = vars(parser().parse_args(arguments))
    verbs: dict[str, Callable[..., int | None]] = {
        "upscale": _upscale,
        "serve": _serve,
        "score": _score,
        "compare": _compare,
    }
    verb = verbs[options.pop("verb")]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # it may lack a name's letters
    try:
        status = verb(**options) or 0
        print(end="", flush=True)  # a full disk shows itself here at the latest
        return status
    except BrokenPipeError:
        return 1  # who reads it, such as `head`, has seen enough
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            print("stopped", file=sys.stderr)
        return 130
    finally:
        _let_output_go()


def _upscale(
    inputs: list[str],
    output: Path | None,
    scale: int | None,
    strength: float | None,
    model: Path | None,
    format: str | None,  # noqa: A002  # the option's name
    force: bool,
    allow_large: bool,
) -> int:
    if model is not None and strength is not None:
        raise InputError("--strength mixes the released networks; it has no meaning with --model")
    with _uninterrupted():
        from srcnn.upscaling.released_networks import DEFAULT_STRENGTH, load
        from srcnn.upscaling.upscale import find_jobs, upscale_files

    network = load(scale, DEFAULT_STRENGTH if strength is None else strength, model)
    jobs = find_jobs(inputs, output, network.scale, format)
    return upscale_files(jobs, network, force=force, allow_large=allow_large)


def _serve(port: int, max_megapixels: int, browser: bool) -> None:
    try:
        from srcnn.serve.server import serve
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        advice = "pip install 'srcnn-perceptual[serve]'"
        raise InputError(f"srcnn serve needs aiohttp: {advice}") from None
    serve(port, browser=browser, max_pixels=max_megapixels * 10**6)


def _score(sr: Path, hr: Path, scale: int, as_json: bool) -> None:
    from srcnn.cli.score_pairs import pair_files

    pairs = pair_files(sr, hr, scale)  # what could be refused is, before torch is imported
    with _uninterrupted():
        from srcnn.models.portable import pin_arithmetic

        pin_arithmetic()  # the same digits on every CPU, as the pipeline's
        from tqdm import tqdm

        from srcnn.cli import score as scoring
        from srcnn.data.pretrained_weights import lpips_weights
        from srcnn.evaluation.lpips import load_lpips
        from srcnn.models.device import best_device

    lpips = load_lpips(best_device(), lpips_weights()[0])
    scored = scoring.score_files(pairs, scale, lpips)
    progress = tqdm(scored, "scores", len(pairs), unit="image", leave=False, disable=None)
    scores = dict(progress)
    if as_json:
        print(json.dumps(scoring.as_json(scores, scale), indent=2))
    else:
        print(scoring.as_table(scores, scale))


def _compare(a: str, b: str, metric: str | None, as_json: bool) -> None:
    with _uninterrupted():
        from srcnn.cli import compare_text as paired_text
        from srcnn.cli.compare import compare_two

    pair = compare_two(a, b, metric, Path("metrics"), Path("data/hr/index.csv"))
    if as_json:
        print(json.dumps(paired_text.as_json(pair), indent=2))
    else:
        print(paired_text.as_text(pair, by_image=metric is not None))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C waiting: in the midst of torch's import it would abort the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _let_output_go() -> None:
    """Drop what cannot be written, which Python would try and complain of once more at its end."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
