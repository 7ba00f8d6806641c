"""SRCNN with perceptual loss: resize, data, network, losses, training, metrics and report.

The stages of the pipeline (`stages/`) are thin scripts over this package; nothing in it knows DVC.
"""
