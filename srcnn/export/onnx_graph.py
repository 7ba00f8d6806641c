"""Builds an ONNX graph node by node, and encodes it as the bytes of an ONNX file.

The package onnx does the same, but would be a sixth of the upscaler's size, and its import a third
of the time for a small image. The fields have the numbers of ONNX's `onnx.proto`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

OPSET, IR = 17, 8  # from 2022; current runtimes all read them
_TYPES = {"float32": 1, "uint8": 2, "uint16": 4, "int64": 7}  # of TensorProto.DataType


class Graph:
    """A chain of nodes: by default, each reads the output of the one before."""

    def __init__(self, source: str):
        self.last = source
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []

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
        attributes = [_attribute(name.rstrip("_"), options[name]) for name in sorted(options)]
        node = [(1, inputs), (2, self.last), (4, operator), (5, attributes)]
        self.nodes.append(_message(node))
        return self.last

    def constant(self, value: Any) -> str:
        """Add a constant and return its name."""
        name = f"constant{len(self.constants)}"
        array = np.atleast_1d(value)
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        tensor = [(1, [*array.shape]), (2, data_type(array.dtype)), (8, name), (9, data)]
        self.constants.append(_message(tensor))
        return name

    def model(
        self, dtype: Any, lr: list[Any], sr: list[Any], about: Mapping[str, str] | None = None
    ) -> bytes:
        """The graph as an ONNX file, with input `lr` and output `sr` of these shapes.

        `about` is the metadata of the file.
        """
        graph = [
            (1, self.nodes),
            (2, "SRCNN"),
            (5, self.constants),
            (11, _end("lr", dtype, lr)),
            (12, _end("sr", dtype, sr)),
        ]
        properties = [_message([(1, key), (2, text)]) for key, text in (about or {}).items()]
        opset = _message([(1, ""), (2, OPSET)])
        model = [(1, IR), (2, "srcnn"), (7, _message(graph)), (8, opset), (14, properties)]
        return _message(model)


def data_type(dtype: Any) -> int:
    """ONNX's number of a numpy type."""
    return _TYPES[np.dtype(dtype).name]


def _attribute(name: str, value: int | str | list[int]) -> bytes:
    kind, number = {int: (2, 3), str: (3, 4), list: (7, 8)}[type(value)]
    return _message([(1, name), (number, value), (20, kind)])


def _end(name: str, dtype: Any, shape: list[Any]) -> bytes:
    """An input or output of the graph; a length of its shape can be a name."""
    lengths = [_message([(2 if isinstance(n, str) else 1, n)]) for n in shape]
    tensor = _message([(1, data_type(dtype)), (2, _message([(1, lengths)]))])
    return _message([(1, name), (2, _message([(1, tensor)]))])


def _message(fields: Iterable[tuple[int, Any]]) -> bytes:
    """A message in protobuf's wire format: fields by number; a list repeats its field."""
    encoded = bytearray()
    for number, content in fields:
        for value in content if isinstance(content, list) else [content]:
            if isinstance(value, int):
                encoded += _varint(number << 3) + _varint(value)
            else:
                text = value.encode() if isinstance(value, str) else value
                encoded += _varint(number << 3 | 2) + _varint(len(text)) + text
    return bytes(encoded)


def _varint(number: int) -> bytes:
    """Seven bits per byte, the lowest first; negative numbers as 64 bits."""
    number &= 2**64 - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
