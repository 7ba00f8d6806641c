"""The command line of the program `srcnn`: its verbs and their options."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def parser() -> argparse.ArgumentParser:
    """All of it; `verb` says what is to be done, the rest are its options."""
    parser = argparse.ArgumentParser(prog="srcnn", description="Super-resolution of photographs.")
    parser.add_argument(
        "--completion",
        choices=("bash", "zsh", "fish"),
        action=_Completion,
        default=argparse.SUPPRESS,
        help="print the shell's script that completes all this",
    )
    verbs = parser.add_subparsers(
        title="verbs",
        dest="verb",
        metavar="VERB",
        required=True,
        help="srcnn VERB --help tells more",
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
        epilog="Results of PNG and TIFF are written in strips: they need little memory, however "
        "large they are. A file that cannot be enlarged is named, the rest go on, and the exit "
        "status is 1.",
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
        help="from 0, true to the original (MSE loss), to 1, sharper (perceptual loss; default); "
        "between them both networks work, which takes twice as long",
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


def _add_serve(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = verbs.add_parser(
        "serve",
        help="enlarge photographs on a page of this machine's browser",
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


def _add_json(verb: argparse.ArgumentParser, what: str) -> None:
    verb.add_argument("--json", dest="as_json", action="store_true", help=f"print JSON: {what}")


def _between(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return number


def _scale(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 on")
    return int(text)
