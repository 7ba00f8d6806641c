"""SRCNN with perceptual loss: resize, data, network, losses, training, metrics and report.

The stages of the pipeline (`stages/`) are thin scripts over this package; nothing in it knows DVC.
Of it, `load` and `upscale` are for other programs:

    from srcnn import load, upscale
    network = load(scale=4)
    upscale("photo.jpg", network).save("photo_x4.jpg")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srcnn.upscaling.released_networks import load
    from srcnn.upscaling.upscale import upscale

__all__ = ["load", "upscale"]


def __getattr__(name: str) -> Any:
    """Import the two where they are asked for, as no stage needs ONNX Runtime."""
    if name == "load":
        from srcnn.upscaling.released_networks import load

        return load
    if name == "upscale":
        from srcnn.upscaling.upscale import upscale

        return upscale
    raise AttributeError(f"module 'srcnn' has no attribute {name!r}")
