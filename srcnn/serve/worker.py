"""The worker process of `srcnn serve`: reads the sizes of images, and upscales them.

Unlike a thread, a process can be killed while it decodes, and a crash ends only the process.
Requests come from stdin and replies go to stdout, one JSON object per line; the other end is
`worker_pool`. The process ends with its server, because then stdin ends.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from srcnn.errors import InputError
from srcnn.images.decode import PixelArray
from srcnn.images.image_io import image_size
from srcnn.serve.before_after import BeforeAfter
from srcnn.upscaling.image_files import read_image
from srcnn.upscaling.result_files import write_image

MAX_ERROR = 2000  # characters


def main() -> None:
    """Answer requests until stdin ends."""
    warnings.filterwarnings("ignore", module="PIL")  # problems with a file are reported as errors
    replies = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not come between the replies

    def reply(**content: Any) -> None:
        try:
            os.write(replies, json.dumps(content).encode() + b"\n")
        except BrokenPipeError:
            os._exit(1)  # the server was killed

    requests: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(requests,), daemon=True).start()
    while True:
        reply(ready=True)
        reply(**_answer(json.loads(requests.get()), lambda share: reply(progress=share)))


def _receive(requests: "SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)  # whatever the main thread does


def _answer(request: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do what is requested; the answer is either `done` or `error`."""
    try:
        if request["result"] is None:
            return {"done": image_size(Path(request["upload"]))}
        return {"done": _upscale(progress, **request)}
    except (InputError, OSError) as error:
        return {"error": str(error)[:MAX_ERROR]}
    except Exception as error:  # continue with the next request, whatever this one raised
        text = f"cannot be upscaled ({type(error).__name__}: {error})"
        return {"error": text[:MAX_ERROR]}


def _upscale(
    progress: Callable[[float], None],
    *,
    upload: str,
    result: str,
    kind: str,
    scale: int,
    strength: float,
) -> dict[str, Any]:
    """Write the result and the two images to compare.

    `progress` gets the share of the result's rows that are ready, in [0, 1].

    Returns:
        the `notes` on the result, and the `reduction` of the images to compare.

    Raises:
        InputError: the photograph cannot be read.
    """
    from srcnn.upscaling.released_networks import load  # imports ONNX Runtime

    model, source = load(scale, strength), read_image(Path(upload))
    progress(0)
    size = source.shape[1] * scale, source.shape[0] * scale
    images = BeforeAfter(source, size)

    def strips() -> Iterator[PixelArray]:
        rows = 0
        for strip in model.strips(source):
            images.add(strip, rows)
            yield strip
            rows += len(strip)
            progress(rows / size[1])

    notes = write_image(Path(result), kind, source, strips(), size)
    progress(1)
    images.write(Path(result).parent)
    return {"notes": [*source.notes, *notes], "reduction": images.reduction}


if __name__ == "__main__":
    main()
