"""The networks SRCNN and VGG, their weights on disk, tiled inference and the device.

Training belongs in `training`, scoring in `evaluation`.
"""
