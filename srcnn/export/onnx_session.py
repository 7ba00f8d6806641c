"""Starts ONNX Runtime with its telemetry off."""

import os
from typing import Any

from onnx import ModelProto

# Before the import. Otherwise, the first session writes a device id under ~/.cache and contacts
# Microsoft's server.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def onnx_session(network: ModelProto, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` of a network on the CPU; 0 threads stand for all cores."""
    import onnxruntime  # takes 0.3 s

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    graph = network.SerializeToString()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
