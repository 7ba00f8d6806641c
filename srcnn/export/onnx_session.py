"""ONNX Runtime, imported here alone and told first to send nothing to its vendor."""

import os
from typing import TYPE_CHECKING

from onnx import ModelProto

# Or its first session writes a device id under ~/.cache and looks up its vendor's server.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def onnx_session(network: ModelProto, threads: int = 0) -> "InferenceSession":
    """A network ready to run on the CPU.

    Args:
        network: the ONNX graph.
        threads: that it takes; 0 for all cores.
    """
    import onnxruntime  # takes a third of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors alone
    return onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
