"""Builds an ONNX graph node by node."""

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET, IR = 17, 8  # from 2022; current runtimes all read them


class Graph:
    """A chain of nodes: by default, each reads the output of the one before."""

    def __init__(self, source: str):
        self.last = source
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(
        self, operator: str, *others: Any, source: str | None = None, to: str = "", **options: Any
    ) -> str:
        """Add a node and return the name of its output, which is `to`, or a new name.

        `source` is the first input, by default the output of the node before; `others` are names of
        outputs, or constants. A trailing underscore is removed from the names of the attributes.
        """
        names = [other if isinstance(other, str) else self.constant(other) for other in others]
        inputs = [self.last if source is None else source, *names]
        self.last = to or f"{operator.lower()}{len(self.nodes)}"
        attributes = {name.rstrip("_"): value for name, value in options.items()}
        self.nodes.append(helper.make_node(operator, inputs, [self.last], **attributes))
        return self.last

    def constant(self, value: Any) -> str:
        """Add a constant and return its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def model(self, dtype: int, lr: list[Any], sr: list[Any]) -> ModelProto:
        """The graph as a model with input `lr` and output `sr` of these shapes."""
        ends = [helper.make_tensor_value_info(*x) for x in (("lr", dtype, lr), ("sr", dtype, sr))]
        graph = helper.make_graph(self.nodes, "SRCNN", ends[:1], ends[1:], self.constants)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR, producer_name="srcnn")
