"""Trained networks for other programs: ONNX graphs, checked against torch.

Only `onnx_session` imports ONNX Runtime.
"""
