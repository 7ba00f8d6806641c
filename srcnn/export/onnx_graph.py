"""An ONNX graph, node after node."""

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET, IR = 17, 8  # of 2022, which every runtime in use reads


class Graph:
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
