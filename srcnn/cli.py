"""The program `srcnn`: one verb for each thing that it does beside the pipeline.

A verb's function imports what it needs itself, so that help and wrong options are quick to answer.
"""

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
    options = vars(_parser().parse_args(arguments))
    verb = options.pop("verb")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # it may lack a name's letters
    try:
        status: int = verb(**options) or 0
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="srcnn", description="Super-resolution of photographs.")
    parser.add_argument(
        "--completion",
        choices=("bash", "zsh", "fish"),
        action=_Completion,
        default=argparse.SUPPRESS,
        help="print the shell's script that completes all this",
    )
    verbs = parser.add_subparsers(
        title="verbs", metavar="VERB", required=True, help="srcnn VERB --help tells more"
    )
    _add_upscale(verbs)
    _add_serve(verbs)
    _add_score(verbs)
    _add_compare(verbs)
    return parser


class _Completion(argparse.Action):
    """Print a shell's completion, made from the parser itself."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, shell: Any, option: object = None
    ) -> None:
        import shtab  # takes a tenth of a second

        for verb in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
            for action in verb._actions:
                if action.type is Path or action.dest == "inputs":
                    action.complete = shtab.FILE
        print(shtab.complete(parser, shell))
        parser.exit()


def _add_upscale(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    upscale = verbs.add_parser(
        "upscale",
        help="enlarge photographs 2 or 4 times",
        description="Enlarge photographs by a trained SRCNN, on a CPU. PNG, JPEG, WebP, TIFF and "
        "BMP, of 8 or 16 bits, grey or colour, with or without alpha; profile and EXIF data are "
        "kept.",
        epilog="Results of PNG are written in strips: they need little memory, however large they "
        "are. A file that cannot be enlarged is named, the rest go on, and the exit status is 1.",
    )
    upscale.add_argument(
        "inputs", nargs="+", metavar="IN", help="a file, a folder, or a pattern in quotes"
    )
    upscale.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="a folder, or for a single file its name; without it NAME_x2 beside each file",
    )
    upscale.add_argument(
        "--scale", type=int, help="2 or 4, with --model the model's own (default: 2)"
    )
    upscale.add_argument(
        "--strength",
        type=float,
        help="from 0, true to the original (MSE loss), to 1, sharper (perceptual loss; default)",
    )
    upscale.add_argument(
        "--model", type=Path, metavar="PATH", help="a network of yours: models/x2/mse.safetensors"
    )
    upscale.add_argument(
        "--format", choices=("png", "jpeg", "webp", "tiff", "bmp"), help="of the results"
    )
    upscale.add_argument("--force", action="store_true", help="overwrite results that exist")
    upscale.add_argument(
        "--allow-large", action="store_true", help="take images of any number of pixels"
    )
    upscale.set_defaults(verb=_upscale)


def _add_serve(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = verbs.add_parser(
        "serve",
        help="a page on this machine to try that",
        description="Serve a page to this machine's browser, and to no other machine: drop "
        "photographs, choose scale and strength, compare before and after, download.",
        epilog="Photographs are enlarged one at a time and lie in a temporary folder until the "
        "end. Ctrl-C ends it, with exit status 0.",
    )
    serve.add_argument(
        "--port",
        type=_between(0, 65535),
        metavar="N",
        default=8024,
        help="default: %(default)s; 0 takes any that is free",
    )
    serve.add_argument(
        "--max-megapixels",
        type=_between(1, 10**6),
        metavar="N",
        default=200,
        help="of a result (default: %(default)s)",
    )
    serve.add_argument(
        "--no-browser", dest="browser", action="store_false", help="leave opening the page to you"
    )
    serve.set_defaults(verb=_serve)


def _add_score(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    score = verbs.add_parser(
        "score",
        help="score any method's images: MSE, PSNR, SSIM, LPIPS",
        description="Score any method's images against the ground truth, by the conventions "
        "under which super-resolution is published: MSE and PSNR of RGB, PSNR and SSIM of Y, "
        "LPIPS 0.1 with AlexNet; SCALE pixels are shaved on each side for PSNR and SSIM.",
        epilog="An image img.png may be called img, img_xSCALE, imgxSCALE or img_METHOD_xSCALE "
        "among the results, with any suffix. Where the sides of the ground truth are no multiples "
        "of SCALE, a result may have the size that is left when they are cropped to multiples at "
        "the bottom and right, and the ground truth is cropped so.",
    )
    score.add_argument("--sr", type=Path, metavar="DIR", required=True, help="the results")
    score.add_argument("--hr", type=Path, metavar="DIR", required=True, help="the ground truth")
    score.add_argument("--scale", type=_scale, required=True, help="the enlargement, such as 2")
    _add_json(score, "images, their mean, and the convention")
    score.set_defaults(verb=_score)


def _add_compare(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    compare = verbs.add_parser(
        "compare",
        help="compare two methods of this project's run, image by image",
        description="Compare two methods image by image, in a project's folder: by each metric "
        "the mean of either, the mean difference with its 95 % interval by the bootstrap over the "
        "images, wins, ties and losses, p of the sign test, and whether that is significant.",
        epilog="A method is called x and its scale, a slash and its name, such as x2/bicubic or "
        "x4/perceptual: all that are scored in metrics/x2.csv, metrics/x4.csv and so on, also the "
        "variants of params.yaml. The two may be of different scales.",
    )
    compare.add_argument("a", metavar="METHOD", help="the first, such as x4/perceptual")
    compare.add_argument("b", metavar="OTHER", help="what it is compared with, such as x4/mse")
    compare.add_argument(
        "--metric", help="by this metric alone, such as psnr_rgb, with a line for each image"
    )
    _add_json(compare, "the comparison by each metric, and each image")
    compare.set_defaults(verb=_compare)


def _add_json(verb: argparse.ArgumentParser, what: str) -> None:
    verb.add_argument("--json", dest="as_json", action="store_true", help=f"print JSON: {what}")


def _between(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return number


def _scale(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 2 on")
    return int(text)


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
    from srcnn.released import STRENGTH, load
    from srcnn.upscaling import find_jobs, upscale_files

    network = load(scale, STRENGTH if strength is None else strength, model)
    jobs = find_jobs(inputs, output, network.scale, format)
    return upscale_files(jobs, network, force=force, allow_large=allow_large)


def _serve(port: int, max_megapixels: int, browser: bool) -> None:
    try:
        from srcnn.serving import serve
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        advice = "pip install 'srcnn-perceptual[serve]'"
        raise InputError(f"srcnn serve needs aiohttp: {advice}") from None
    serve(port, browser=browser, most_pixels=max_megapixels * 10**6)


def _score(sr: Path, hr: Path, scale: int, as_json: bool) -> None:
    from srcnn.pairing import pair_files

    pairs = pair_files(sr, hr, scale)  # what could be refused is, before torch is imported
    with _uninterrupted():
        from srcnn.portable import hold

        hold()  # the same digits on every CPU, as the pipeline's
        from tqdm import tqdm

        from srcnn import scoring
        from srcnn.device import best_device
        from srcnn.lpips import LPIPS
        from srcnn.weights import lpips_weights

    lpips = LPIPS(lpips_weights()[0]).to(best_device())
    scored = scoring.score_files(pairs, scale, lpips)
    progress = tqdm(scored, "scores", len(pairs), unit="image", leave=False, disable=None)
    scores = dict(progress)
    if as_json:
        print(json.dumps(scoring.as_json(scores, scale), indent=2))
    else:
        print(scoring.as_table(scores, scale))


def _compare(a: str, b: str, metric: str | None, as_json: bool) -> None:
    with _uninterrupted():
        from srcnn import paired_text
        from srcnn.paired import compare_two

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
