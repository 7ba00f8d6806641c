"""From photographs to HR and LR sets: sources, downloads, archives, and pretrained weights.

Everything here can be resumed. Reading an image belongs in `images`.
"""
