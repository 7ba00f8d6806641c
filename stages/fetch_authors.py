"""Store the networks that the paper's first author published, if evaluate.authors is set."""

from pathlib import Path

from srcnn.settings import Settings
from srcnn.utils.paths import AUTHORS_FOLDER
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write data/authors/{loss}.safetensors, or leave the folder empty."""
    AUTHORS_FOLDER.mkdir(parents=True, exist_ok=True)
    if not settings.evaluate.authors:
        return
    from srcnn.data.authors_networks import fetch_network, read_manifest  # import torch: seconds
    from srcnn.data.pretrained_weights import store

    manifest = read_manifest(Path("datasets/authors.yaml"))
    for loss, network in manifest.networks.items():
        about = {"origin": network.url, "sha256": network.sha256, "licence": manifest.licence}
        weights = fetch_network(network, settings.data.cache)
        store(weights, about, AUTHORS_FOLDER / f"{loss}.safetensors")


if __name__ == "__main__":
    run_stage(main)
