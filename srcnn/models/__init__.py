"""Networks and what runs them: SRCNN, VGG, tensors on disk, tiled inference, the device.

Training them belongs in `training`, scoring them in `evaluation`.
"""
