"""The program `srcnn`: runs the verb that the command line names.

Each verb imports what it needs itself, so that help and usage errors appear at once. Signals are
delayed during these imports, because a signal during the import of torch aborts Python.
"""

import gc
import json
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from importlib.util import find_spec

from srcnn.cli.arguments import parser
from srcnn.errors import InputError
from srcnn.utils.signals import exit_on_signals
from srcnn.utils.system import block_signals, escape_output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, without the program's name; errors become one line on stderr.

    Returns the exit status: 0 only if the work is done, 130 after Ctrl-C.

    Raises:
        SystemExit: for `--help`, for a usage error (status 2), and after SIGTERM or SIGHUP
            (128 + signal).
    """
    warnings.filterwarnings("ignore", module="PIL")  # problems with a file are reported as errors
    options = parser().parse_args(arguments)
    verbs: Mapping[str, Callable[[Namespace], int | None]]
    verbs = {
        "upscale": _upscale,
        "serve": _serve,
        "score": _score,
        "compare": _compare,
        "judge": _judge,
    }
    escape_output()
    is_server = options.verb == "serve" or (options.verb == "judge" and not options.results)
    with nullcontext() if is_server else exit_on_signals():  # servers end in their own way
        return _run(verbs[options.verb], options)


def _run(verb: Callable[[Namespace], int | None], options: Namespace) -> int:
    """Run a verb; returns the exit status."""
    try:
        status = verb(options) or 0
        print(end="", flush=True)  # reports a full disk here
        return status
    except BrokenPipeError:
        return 1  # the reader, such as `head`, has stopped
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        name = "standard output" if error.filename is None and not _can_write() else error.filename
        reason = f"{name}: {error.strerror}" if name is not None else error
        print(f"error: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            print("stopped", file=sys.stderr)
        return 130
    finally:
        _discard_output()


def _upscale(options: Namespace) -> int:
    if options.model is not None and options.strength is not None:
        raise InputError("--strength mixes the released networks; it cannot be used with --model")
    with block_signals():
        from srcnn.upscaling.released_networks import DEFAULT_STRENGTH, load_all
        from srcnn.upscaling.target_size import TargetSize
        from srcnn.upscaling.upscale import upscale_files
        from srcnn.upscaling.upscale_jobs import find_jobs

    strength = DEFAULT_STRENGTH if options.strength is None else options.strength
    networks = load_all(strength, options.model)
    scale = options.scale
    if scale is None and options.width is None and options.height is None:
        scale = networks[0].scale
    size = TargetSize(scale, options.width, options.height)
    jobs = find_jobs(options.inputs, options.output, size, options.format)
    return upscale_files(
        jobs,
        networks,
        force=options.force,
        allow_large=options.allow_large,
        strip=options.strip,
    )


def _serve(options: Namespace) -> None:
    _check_extra("serve", "aiohttp", "serve")
    from srcnn.serve.server import serve

    serve(options.port, browser=options.browser, max_pixels=options.max_megapixels * 10**6)


def _score(options: Namespace) -> None:
    _check_extra("score", "torch", "pipeline")
    from srcnn.cli.score_pairs import find_pairs

    scale = options.scale
    # Before torch is imported, so that errors appear at once.
    pairs = find_pairs(options.sr, options.hr, scale, options.name)
    with block_signals():
        from srcnn.models.portable import pin_arithmetic

        pin_arithmetic()  # the same digits on every CPU, as in the pipeline
        from tqdm import tqdm

        from srcnn.cli import score
        from srcnn.data.pretrained_weights import judge_weights
        from srcnn.evaluation.judges import load_judges
        from srcnn.models.device import best_device

    gc.freeze()  # no collection looks through the imports again, nor the three at Python's end
    weights = {network: judge_weights(network)[0] for network in ("alexnet", "vgg16")}
    scored = score.score_pairs(pairs, scale, load_judges(best_device(), weights))
    scores = dict(tqdm(scored, "scores", len(pairs), unit="image", leave=False, disable=None))
    if options.as_json:
        print(json.dumps(score.as_json(scores, scale), indent=2, allow_nan=False))
    else:
        print(score.as_table(scores, scale))


def _compare(options: Namespace) -> None:
    _check_extra("compare", "pandas", "pipeline")
    with block_signals():
        from srcnn.analysis.method_pairs import read_pair
        from srcnn.analysis.seed_runs import read_seed_runs
        from srcnn.cli import compare, compare_seeds

    only, common = options.metric, options.common
    if options.seeds is not None:
        runs = read_seed_runs(options.a, options.b, options.seeds, only, common=common)
        if options.as_json:
            print(json.dumps(compare_seeds.as_json(runs), indent=2))
        else:
            print(compare_seeds.as_text(runs))
        return
    pair = read_pair(options.a, options.b, only, common=common)
    if options.as_json:
        print(json.dumps(compare.as_json(pair), indent=2))
    else:
        print(compare.as_text(pair, by_image=only is not None))


def _judge(options: Namespace) -> None:
    if options.results:
        if options.reference:
            raise InputError("--results is about both questions; leave out --reference")
        _check_extra("judge --results", "pandas", "pipeline")
        with block_signals():
            from srcnn.cli.judge_results import vote_results

        results = vote_results(options.methods)
        as_json = json.dumps(results.as_json(), indent=2) if options.as_json else None
        print(as_json or results.as_text())
        return
    if options.as_json:
        raise InputError("--json needs --results")
    _check_extra("judge", "aiohttp", "serve")
    from srcnn.judge.server import judge

    judge(options.methods, options.port, reference=options.reference, browser=options.browser)


def _check_extra(verb: str, package: str, extra: str) -> None:
    """Raise InputError unless `package`, a part of this extra of pyproject.toml, is installed."""
    if find_spec(package) is None:
        advice = f"pip install 'srcnn-perceptual[{extra}]'"
        raise InputError(f"srcnn {verb} needs {package}: {advice}")


def _discard_output() -> None:
    """Discard output that cannot be written; otherwise Python reports it a second time at exit."""
    if not _can_write():
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _can_write() -> bool:
    """Whether standard output accepts what has been printed so far."""
    try:
        print(end="", flush=True)
    except OSError:
        return False
    return True
