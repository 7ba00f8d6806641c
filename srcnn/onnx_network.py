"""SRCNN as an ONNX graph, made from its weights without torch: for export and for `upscale`."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from srcnn.resize import Kernel, upsampling_phases

OPSET, IR = 17, 8  # of 2022, which every runtime in use reads
MARGIN = 6
"""Pixels that the three convolutions take off each side, as in srcnn.model."""

Weights = Mapping[str, npt.NDArray[np.float32]]


def halo_of(scale: int) -> int:
    """LR pixels around a tile that reach into its result."""
    return 2 + math.ceil(MARGIN / scale)


def whole_network(
    weights: Weights, scale: int, upsampling: Kernel, about: Mapping[str, str]
) -> ModelProto:
    """The network for other programs: `lr` [n, 3, h, w] to `sr` [n, 3, scale·h, scale·w].

    Both are float32, RGB in [0, 1]; of any size. The result may lie a little outside, as that of
    `srcnn.model.SRCNN` does, and is to be clipped.

    Args:
        weights: by name, as `srcnn.model.save_model` stores them.
        scale: enlargement of both sides.
        upsampling: `bicubic` or `bilinear`, before the network.
        about: what the file says of itself, as the model's metadata.
    """
    graph = _Graph("lr")
    for axis in (2, 3):
        _mirror(graph, axis, halo_of(scale))
    _layers(graph, weights, scale, upsampling)
    graph.add("Identity", to="sr")
    model = graph.model(TensorProto.FLOAT, ["n", 3, "h", "w"], ["n", 3, "H", "W"])
    helper.set_model_props(model, dict(about))
    return model


def tile_network(weights: Weights, scale: int, upsampling: Kernel, dtype: Any) -> ModelProto:
    """The network for a tile: `lr` [1, h + 2·halo, w + 2·halo, 3] to `sr` [1, s·h, s·w, 3].

    Both are RGB of uint8 or uint16, as `dtype` says.
    """
    kind, most = helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), np.float32(np.iinfo(dtype).max)
    graph = _Graph("lr")
    graph.add("Transpose", perm=[0, 3, 1, 2])
    graph.add("Cast", to_=TensorProto.FLOAT)
    graph.add("Div", most)
    _layers(graph, weights, scale, upsampling)
    graph.add("Clip", np.float32(0), np.float32(1))
    graph.add("Mul", most)
    graph.add("Round")
    graph.add("Cast", to_=kind)
    graph.add("Transpose", to="sr", perm=[0, 2, 3, 1])
    return graph.model(kind, [1, "h", "w", 3], [1, "H", "W", 3])


class _Graph:
    """Nodes one after the other, each of which reads what the one before has made."""

    def __init__(self, source: str):
        self.last = source
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(
        self, kind: str, *others: Any, source: str | None = None, to: str = "", **options: Any
    ) -> str:
        """Add a node and give the name of its result.

        Args:
            kind: ONNX's name of the operator.
            others: its inputs after the first: results by name, or constants.
            source: its first input; what was made last if None.
            to: the name of its result; a new one if empty.
            options: its attributes; an underscore after a name is dropped.
        """
        names = [other if isinstance(other, str) else self.constant(other) for other in others]
        inputs = [self.last if source is None else source, *names]
        self.last = to or f"{kind.lower()}{len(self.nodes)}"
        attributes = {name.rstrip("_"): value for name, value in options.items()}
        node = helper.make_node(kind, inputs, [self.last], **attributes)
        self.nodes.append(node)
        return self.last

    def constant(self, value: Any) -> str:
        """A constant's name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def model(self, kind: int, lr: list[Any], sr: list[Any]) -> ModelProto:
        """The graph with `lr` and `sr` as its input and output."""
        ends = [helper.make_tensor_value_info(*end) for end in (("lr", kind, lr), ("sr", kind, sr))]
        graph = helper.make_graph(self.nodes, "SRCNN", ends[:1], ends[1:], self.constants)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR, producer_name="srcnn")


def _mirror(graph: _Graph, axis: int, width: int) -> None:
    """Extend an axis on both sides by symmetric reflection, as `srcnn.model.pad_symmetric`."""
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


def _layers(graph: _Graph, weights: Weights, scale: int, upsampling: Kernel) -> None:
    """Upsampling and the three convolutions of `srcnn.model.SRCNN`, without any padding."""
    phases = upsampling_phases(scale, upsampling)
    kernels = np.einsum("pi,qj->pqij", phases, phases).reshape(-1, 1, 5, 5).astype(np.float32)
    graph.add("Conv", np.tile(kernels, (3, 1, 1, 1)), group=3)  # a channel for each phase
    graph.add("DepthToSpace", blocksize=scale, mode="CRD")
    surplus = scale * (halo_of(scale) - 2) - MARGIN
    if surplus:
        ends = np.array([surplus] * 2), np.array([-surplus] * 2)
        graph.add("Slice", *ends, np.array([2, 3]))
    for layer in ("features", "mapping", "reconstruction"):
        graph.add("Conv", weights[f"{layer}.weight"], weights[f"{layer}.bias"])
        if layer != "reconstruction":
            graph.add("Relu")
