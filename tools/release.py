"""Put the networks of the reference results into the package, for `srcnn upscale` (`make release`).

`make repro` trains networks into models/ and leaves the released ones as they are.
"""

import sys
from pathlib import Path

from srcnn.errors import InputError
from srcnn.export.network_files import about_training
from srcnn.models.tensors import read_tensors, write_tensors
from srcnn.settings import Settings, read_settings
from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.files import sha256_of
from srcnn.utils.system import escape_output

REFERENCE = Path("results/t91")
LOSSES = ("mse", "perceptual")  # that --strength mixes


def main() -> None:
    """Release the networks, print their names, and exit; an error becomes one line."""
    escape_output()
    try:
        for path in release(REFERENCE, FOLDER):
            print(path.relative_to(FOLDER.parents[1]))
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")


def release(results: Path, folder: Path) -> list[Path]:
    """Write the networks of stored results as `folder`/x{scale}/{loss}.safetensors.

    Each file has the weights and the metadata of the network, how it was trained, its preset and
    its licence. All networks are read before the first is written.

    Raises:
        InputError: there are no such results, or a network is missing, damaged or of another kind.
    """
    if not (results / "params.yaml").is_file():
        raise InputError(
            f"{results}: no stored results; run presets/{results.name}.yaml, then "
            f"python -m tools.results store {results}"
        )
    settings = read_settings(results / "params.yaml")
    found = {
        folder / f"x{scale}/{loss}.safetensors": _describe(results, settings, scale, loss)
        for scale in settings.scales
        for loss in LOSSES
    }
    for path, (model, about) in found.items():
        weights, own = read_tensors(model)
        write_tensors(weights, path, {**own, **about})
    return list(found)


def _describe(
    results: Path, settings: Settings, scale: int, loss: str
) -> tuple[Path, dict[str, str]]:
    """The file of a network and its further metadata, after a check that upscaling can use it."""
    model = results / f"models/x{scale}/{loss}.safetensors"
    read_network(model)
    about = about_training(settings, loss, model, results / "data/hr/index.csv")
    own = {"preset": results.name, "licence": "MIT", "model_sha256": sha256_of(model)}
    return model, about | own


if __name__ == "__main__":
    main()
