"""SRCNN with perceptual loss: resize, data, network, losses, training, metrics and report.

The stages of the pipeline (`stages/`) are thin scripts over this package, which knows nothing of
DVC. `load` and `upscale` are for other programs:

    from srcnn import load, upscale
    network = load(scale=4)
    upscale("photo.jpg", network).save("photo_x4.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srcnn.upscaling.released_networks import load
    from srcnn.upscaling.upscale import upscale

__all__ = ["load", "upscale"]


def __getattr__(name: str) -> Any:
    # Imports ONNX Runtime's graphs only when needed: the pipeline's stages do without.
    module = {"load": "released_networks", "upscale": "upscale"}.get(name)
    if module is None:
        raise AttributeError(f"module 'srcnn' has no attribute {name!r}")
    return getattr(import_module(f"srcnn.upscaling.{module}"), name)
