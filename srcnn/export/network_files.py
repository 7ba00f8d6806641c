"""Trained networks for other programs, with a word on what they were trained on."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto

from srcnn.errors import InputError
from srcnn.export.onnx_network import whole_network
from srcnn.export.onnx_session import onnx_session
from srcnn.models.srcnn import SRCNN, load_model
from srcnn.models.tensors import read_tensors, write_tensors
from srcnn.settings import Settings
from srcnn.utils.files import atomic_write, sha256_of
from srcnn.utils.tables import read_csv

TOLERANCE = 1e-4
"""By how much a value of the ONNX network, of [0, 1], may differ from torch's."""

SIZES = ((1, 1), (2, 7), (33, 20), (64, 96))
"""Heights and widths at which the two are compared."""


def about_training(settings: Settings, loss: str, index: Path) -> dict[str, str]:
    """What a network's file says of its training, in words.

    Args:
        settings: of the run.
        loss: a name of `settings.losses`.
        index: `index.csv` of the photographs, whose sha256 tells them from others.
    """
    counts = Counter(read_csv(index, "fetch_data")["split"])
    chosen = settings.loss_of(loss)
    return {
        "data": f"{settings.data.source}: {counts['train']} photographs, judged on {counts['val']}",
        "data_sha256": sha256_of(index),
        "epochs": str(settings.epochs_of(loss)),
        "loss": "Eq. 1, MSE" if chosen is None else f"Eq. 3: {chosen.model_dump_json()}",
        "range": "RGB in [0, 1]; LR made by MATLAB's bicubic imresize; results are to be clipped",
    }


def export_onnx(model: Path, path: Path, about: dict[str, str]) -> float:
    """Write a network as ONNX, once it is seen to give what torch gives.

    Args:
        model: as `srcnn.models.srcnn.save_model` writes it.
        path: of the ONNX file.
        about: what it says of itself besides its scale and the sha256 of `model`.

    Returns:
        the largest difference from torch.

    Raises:
        InputError: as `srcnn.models.srcnn.load_model`, or the two differ.
    """
    network = load_model(model)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    facts = {"scale": str(network.scale), "model_sha256": sha256_of(model), **about}
    onnx = whole_network(weights, network.scale, network.upsampling, facts)
    furthest = _furthest(network, onnx)
    if not furthest <= TOLERANCE:
        raise InputError(f"{model}: as ONNX it differs from torch by {furthest:.2g}")
    with atomic_write(path) as temporary:
        temporary.write_bytes(onnx.SerializeToString())
    return furthest


@torch.no_grad()
def _furthest(network: SRCNN, onnx: ModelProto) -> float:
    session = onnx_session(onnx)
    random, found = np.random.default_rng(0), 0.0
    for size in SIZES:
        lr = random.random((1, 3, *size), dtype=np.float32)
        (sr,) = session.run(None, {"lr": lr})
        found = max(found, float(np.abs(sr - network(torch.from_numpy(lr)).numpy()).max()))
    return found


def release(model: Path, path: Path, about: dict[str, str]) -> None:
    """Copy a network into the package, with what is known of its training beside its own words."""
    weights, own = read_tensors(model)
    write_tensors(weights, path, {**own, **about, "model_sha256": sha256_of(model)})
