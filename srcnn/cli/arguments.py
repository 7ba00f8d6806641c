"""The command line of the program `srcnn`: its verbs and their options."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    _Verbs = argparse._SubParsersAction["_VerbParser"]

_JSON: dict[str, Any] = {"dest": "as_json", "action": "store_true"}


def parser() -> argparse.ArgumentParser:
    """The parser; its result has `verb`, and the options of the verb."""
    parser = argparse.ArgumentParser(prog="srcnn", description="Super-resolution of photographs.")
    shells, about = ("bash", "zsh", "fish"), "print the completion script for this shell"
    parser.add_argument("--completion", choices=shells, action=_Completion, help=about)
    about = "srcnn VERB --help lists the options"
    verbs = parser.add_subparsers(
        title="verbs",
        dest="verb",
        metavar="VERB",
        required=True,
        parser_class=_VerbParser,
        help=about,
    )
    for add in (_add_upscale, _add_serve, _add_score, _add_compare, _add_judge):
        add(verbs)
    return parser


class _VerbParser(argparse.ArgumentParser):
    """The parser of a verb."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with status 2."""
        if message.endswith("OTHER"):  # missing, perhaps because --seeds took it
            message += "; name both methods first, because --seeds takes all names after it"
        super().error(message)


class _Completion(argparse.Action):
    """Prints a completion script made from the parser itself."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, shell: Any, option: object = None
    ) -> None:
        import shtab  # takes 0.1 s

        for verb in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
            for action in verb._actions:
                if action.type in (_name, _path):
                    action.complete = shtab.FILE
        print(shtab.complete(parser, shell))
        parser.exit()


def _add_upscale(verbs: "_Verbs") -> None:
    add = verbs.add_parser(
        "upscale",
        help="upscale photographs to any size",
        description="Upscale photographs with a trained SRCNN on a CPU. Reads and writes PNG, "
        "JPEG, WebP, TIFF, BMP and AVIF with 8 or 16 bits per channel, grey or colour, with or "
        "without alpha. Keeps the ICC profile, EXIF, XMP, IPTC, text and resolution if the format "
        "of the result can store them, and prints which of them are lost.",
        epilog="The released networks upscale 2 and 4 times. For other scales up to 4, the "
        "smallest network that reaches the size is run, and bicubic interpolation downscales its "
        "result to the exact size. Above 4, bicubic interpolation enlarges the result of the "
        "network for 4. At 1 or below, no network is run. PNG and TIFF results need little memory, "
        "whatever their size, because they are written in strips. If a file cannot be upscaled or "
        "a folder cannot be read, an error names it, the other files are upscaled, and the exit "
        "status is 1. To continue a stopped run, use the same command again: it skips files whose "
        "result has the right size and is not older than the original. For another --strength, "
        "--model or --strip, use --force or another output folder.",
    ).add_argument
    add("inputs", nargs="+", type=_name, metavar="IN", help="a file, a folder, or a quoted pattern")
    about = (
        "output folder, or file for a single input (default: NAME_x2, NAME_w1920, NAME_h1080 or "
        "NAME_1920x1080 next to each input)"
    )
    add("-o", "--output", type=_path, metavar="OUT", help=about)
    about = "any number up to 100, such as 2.5 (default: 2; with --model, the model's scale)"
    add("--scale", type=float, metavar="N", help=about)
    about = "width of the results in pixels, instead of --scale; the proportions are kept"
    add("--width", type=_whole_number(1), metavar="N", help=about)
    about = "height of the results in pixels; with --width, the largest size that fits into both"
    add("--height", type=_whole_number(1), metavar="N", help=about)
    add(
        "--strength",
        type=float,
        help="from 0 (closest to the original; MSE loss) to 1 (sharper; perceptual loss; default); "
        "values between run both networks and take twice as long",
    )
    add("--model", type=_path, help="use your own network, such as models/x2/mse.safetensors")
    kinds = ("png", "jpeg", "webp", "tiff", "bmp", "avif")
    add("--format", choices=kinds, help="format of the results (default: that of each input)")
    about = "leave out metadata, such as EXIF and text, except what the colours depend on"
    add("--strip", action="store_true", help=about)
    add("--force", action="store_true", help="upscale all files again and overwrite results")
    add("--allow-large", action="store_true", help="accept images of any size")


def _add_serve(verbs: "_Verbs") -> None:
    add = verbs.add_parser(
        "serve",
        help="upscale photographs on a web page",
        description="Open a web page to upscale photographs: drop them, choose scale and "
        "strength, compare before and after, and download the result. Only this machine can open "
        "the page.",
        epilog="Photographs are upscaled one at a time and kept in a temporary folder until the "
        "server stops. Ctrl-C stops it with exit status 0.",
    ).add_argument
    add("--port", **_PORT, default=8024)
    about = "limit for the size of a result (default: %(default)s)"
    add("--max-megapixels", type=_whole_number(1, 10**6), metavar="N", default=200, help=about)
    add("--no-browser", **_NO_BROWSER)


def _add_score(verbs: "_Verbs") -> None:
    add = verbs.add_parser(
        "score",
        help="score the images of any method: MSE, PSNR, SSIM, LPIPS, DISTS",
        description="Score the images of any method against the ground truth by the usual "
        "conventions of super-resolution: MSE and PSNR of RGB, PSNR and SSIM of Y, LPIPS 0.1 with "
        "AlexNet and with VGG16, and DISTS. PSNR and SSIM omit SCALE pixels on each side. A result "
        "that equals the ground truth has an infinite PSNR, which the mean leaves out.",
        epilog="The result for img.png is named img, img_xSCALE, imgxSCALE or img_METHOD_xSCALE, "
        "with any suffix. Alternatively, all results share a prefix or suffix, as in SRCNN_img or "
        "img_upscayl_2x_MODEL. For other names, use a template: --name '{hr}_SwinIR' scores "
        "img_SwinIR and leaves out results of other names. If the sides of the ground truth are "
        "not multiples of SCALE, the result may have the size cropped to multiples at the bottom "
        "and right; the ground truth is then cropped too.",
    ).add_argument
    add("--sr", type=_path, metavar="DIR", required=True, help="folder of the results")
    add("--hr", type=_path, metavar="DIR", required=True, help="folder of the ground truth")
    add("--scale", type=_whole_number(2), required=True, help="the upscaling factor, such as 2")
    about = "names of the results without suffix, such as '{hr}_SwinIR' or 'out_{hr}_x{scale}'"
    add("--name", metavar="TEMPLATE", help=about)
    add("--json", **_JSON, help="print JSON: scores of each image, their mean, and the conventions")


def _add_compare(verbs: "_Verbs") -> None:
    add = verbs.add_parser(
        "compare",
        usage="%(prog)s [-h] METHOD OTHER [--metric METRIC] [--common]\n"
        "                     [--seeds RUN [RUN ...]] [--json]",
        help="compare two methods, of one run or of two, image by image",
        description="Compare two methods image by image, in a project's folder. Prints for each "
        "metric both means, the mean difference with its 95 % bootstrap interval, wins, ties and "
        "losses, p of the sign test, and whether the difference is significant.",
        epilog="A method is named by scale and name, such as x2/bicubic or x4/perceptual. All "
        "methods in metrics/x2.csv, metrics/x4.csv and so on can be compared, including the "
        "variants of params.yaml and methods of different scales. A name before a colon, as in "
        "v1:x4/mse, selects the run of a commit, tag, branch, DVC experiment or folder of stored "
        "results instead of the working tree; images of two runs are paired by checksum.",
    ).add_argument
    add("a", metavar="METHOD", help="first method, such as x4/perceptual")
    add("b", metavar="OTHER", help="second method, such as x4/mse or half:x4/perceptual")
    about = "compare only this metric, such as psnr_rgb; without --seeds, also list each image"
    add("--metric", help=about)
    add("--common", action="store_true", help="leave out images that not all runs have")
    about = (
        "compare over runs that differ only in seed: separates images from seeds as causes; "
        "stands after METHOD and OTHER, because it takes all names that follow"
    )
    add("--seeds", nargs="+", metavar="RUN", help=about)
    add(
        "--json", **_JSON, help="print JSON: the comparison by each metric, and each image's values"
    )


def _add_judge(verbs: "_Verbs") -> None:
    add = verbs.add_parser(
        "judge",
        help="ask people which of two methods looks better, without telling which is which",
        description="Open a web page that shows pairs of results, left and right in random order, "
        "and asks which looks better. Answers are appended to metrics/votes.csv in a project's "
        "folder. Only this machine can open the page.",
        epilog="Methods are named as in srcnn compare, such as x4/perceptual x4/mse; with three or "
        "more, all pairs are shown. A session has 20 pairs and takes about three minutes; it can "
        "be stopped and continued at any time. Ctrl-C stops the server with exit status 0. Votes "
        "of several people can be joined: append the lines of one file to another.",
    ).add_argument
    add("methods", nargs="*", metavar="METHOD", help="two or more methods, such as x4/mse")
    about = "show the original between them, and ask which is closer to it"
    add("--reference", action="store_true", help=about)
    about = "open no page, but print what the votes say; only about the named methods, if any"
    add("--results", action="store_true", help=about)
    add("--json", **_JSON, help="with --results: print JSON")
    add("--port", **_PORT, default=8025)
    add("--no-browser", **_NO_BROWSER)


def _name(text: str) -> str:
    """A type for argparse: a name that is not empty, as "" would stand for the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; give a file or folder")
    return text


def _path(text: str) -> Path:
    return Path(_name(text))


def _whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A type for argparse: a whole number from `low` to `high`."""
    limits = f"of at least {low}" if high is None else f"from {low} to {high}"

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return int(text)

    return number


_PORT: dict[str, Any] = {
    "type": _whole_number(0, 65535),
    "metavar": "N",
    "help": "TCP port, or 0 for any free port (default: %(default)s)",
}
_NO_BROWSER: dict[str, Any] = {
    "dest": "browser",
    "action": "store_false",
    "help": "do not open a browser",
}
