"""Trained networks for other programs: ONNX graphs, checked against torch.

ONNX Runtime is imported in `onnx_session` only.
"""
