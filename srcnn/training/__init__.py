"""Algorithm 1: losses, patches, the training loop, validation crops and checkpoints.

Nothing here is used after a network is trained.
"""
