"""Writes trained networks for use outside the pipeline: describes them, exports them as ONNX."""

from pathlib import Path

import numpy as np
import torch

from srcnn.errors import InputError
from srcnn.export.onnx_network import whole_network
from srcnn.export.onnx_session import onnx_session
from srcnn.models.model_files import load_model
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import read_tensors
from srcnn.settings import Settings
from srcnn.utils.files import atomic_write, sha256_of
from srcnn.utils.paths import SELECT, SPLITS
from srcnn.utils.tables import read_csv

TOLERANCE = 1e-4  # largest allowed difference between ONNX's and torch's output, both in [0, 1]


def about_training(settings: Settings, loss: str, model: Path, index: Path) -> dict[str, str]:
    """Describe the training of a network, for the metadata of its files.

    `model` is the network's file; `index` lists the photographs, and its sha256 identifies them.

    Raises:
        InputError: a file is missing or damaged, or `model` does not say which epoch was kept.
    """
    splits = read_csv(index, "fetch_data")["split"].value_counts()
    train, val, aside = (splits.get(split, 0) for split in (*SPLITS, SELECT))
    chosen = settings.train.keep == "best"
    data = f"{settings.data.source}: {train} photographs, judged on {val}"
    if aside:
        data += f", {aside} chose the epoch" if chosen else f", {aside} set aside"
    epochs, weights = settings.epochs_of(loss), settings.loss_of(loss)
    return {
        "data": data,
        "data_sha256": sha256_of(index),
        "epochs": f"{_kept_epoch(model)} of {epochs}" if chosen else str(epochs),
        "loss": f"Eq. 3: {weights.model_dump_json()}" if weights else "Eq. 1, MSE",
        "range": "RGB in [0, 1]; LR made by MATLAB's bicubic imresize; results are to be clipped",
    }


def _kept_epoch(model: Path) -> int:
    load_model(model)
    _, about = read_tensors(model)
    if "kept_epoch" not in about:
        raise InputError(f"{model}: does not name the kept epoch; run the stage train again")
    return int(about["kept_epoch"])


def write_onnx(model: Path, path: Path, about: dict[str, str]) -> float:
    """Write a network as ONNX, after a check that its output equals torch's.

    The metadata are `about`, the scale and the sha256 of the file `model`. Returns the largest
    difference from torch.

    Raises:
        InputError: as `load_model`; the outputs differ by more than TOLERANCE.
    """
    network = load_model(model)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    metadata = {"scale": str(network.scale), "model_sha256": sha256_of(model), **about}
    onnx = whole_network(weights, network.scale, network.upsampling, metadata)
    difference = _max_difference(network, onnx)
    if not difference <= TOLERANCE:
        raise InputError(f"{model}: as ONNX it differs from torch by {difference:.2g}")
    with atomic_write(path) as temporary:
        temporary.write_bytes(onnx)
    return difference


@torch.no_grad()
def _max_difference(network: SRCNN, onnx: bytes) -> float:
    session, random, differences = onnx_session(onnx), np.random.default_rng(0), []
    for size in ((1, 1), (2, 7), (33, 20), (64, 96)):  # height, width
        lr = random.random((1, 3, *size), dtype=np.float32)
        (sr,) = session.run(None, {"lr": lr})
        differences.append(float(np.abs(sr - network(torch.from_numpy(lr)).numpy()).max()))
    return max(differences)
