"""SRCNN as an ONNX graph, built from its weights without torch."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from srcnn.export.onnx_graph import Graph
from srcnn.images.resize import Kernel, upsampling_phases
from srcnn.models.receptive_field import MARGIN, halo_of

Weights = Mapping[str, npt.NDArray[np.float32]]  # by name, as `srcnn.models.srcnn` saves them


def whole_network(
    weights: Weights, scale: int, upsampling: Kernel, about: Mapping[str, str]
) -> bytes:
    """Build the network for other programs: `lr` [n, 3, h, w] to `sr` [n, 3, scale·h, scale·w].

    Both are float32 RGB in [0, 1], of any size. `sr` can leave [0, 1] slightly and must be clipped,
    like the output of `srcnn.models.srcnn.SRCNN`. `about` is the metadata of the ONNX file.
    """
    graph = Graph("lr")
    for axis in (2, 3):
        _pad_symmetric(graph, axis, halo_of(scale))
    add_layers(graph, weights, scale, upsampling)
    graph.add("Identity", to="sr")
    return graph.model(np.float32, ["n", 3, "h", "w"], ["n", 3, "H", "W"], about)


def _pad_symmetric(graph: Graph, axis: int, width: int) -> None:
    """Pad an axis on both sides by symmetric reflection, which ONNX's Pad lacks."""
    image = graph.last
    graph.add("Shape", start=axis, end=axis + 1)
    n = graph.add("Squeeze")
    end = graph.add("Add", np.int64(width))
    places = graph.add("Range", end, np.int64(1), source=graph.constant(np.int64(-width)))
    twice = graph.add("Mul", np.int64(2), source=n)
    folded = graph.add("Mod", twice, source=places)
    last = graph.add("Sub", np.int64(1), source=twice)
    back = graph.add("Sub", folded, source=last)
    inside = graph.add("Less", n, source=folded)
    index = graph.add("Where", folded, back, source=inside)
    graph.add("Gather", index, source=image, axis=axis)


def add_layers(graph: Graph, weights: Weights, scale: int, upsampling: Kernel) -> None:
    """Add the upsampling and the convolutions of `srcnn.models.srcnn.SRCNN`, without padding."""
    phases = upsampling_phases(scale, upsampling)
    kernels = np.einsum("pi,qj->pqij", phases, phases).reshape(-1, 1, 5, 5).astype(np.float32)
    graph.add("Conv", np.tile(kernels, (3, 1, 1, 1)), group=3)  # one output per phase
    graph.add("DepthToSpace", blocksize=scale, mode="CRD")
    surplus = scale * (halo_of(scale) - 2) - MARGIN
    if surplus:
        ends = np.array([surplus] * 2), np.array([-surplus] * 2)
        graph.add("Slice", *ends, np.array([2, 3]))
    for layer in ("features", "mapping", "reconstruction"):
        graph.add("Conv", weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        if layer != "reconstruction":
            graph.add("Relu")
