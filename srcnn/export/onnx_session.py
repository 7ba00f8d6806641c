"""Starts ONNX Runtime with its telemetry off."""

import os
from typing import Any

# Before the import. Otherwise, the first session writes a device id under ~/.cache and contacts
# Microsoft's server.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def onnx_session(network: bytes, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` of an ONNX file on the CPU; 0 threads: all cores."""
    import onnxruntime  # takes 0.3 s

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
