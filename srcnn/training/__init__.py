"""Algorithm 1: losses, patches, the training loop, validation crops and checkpoints.

Code that is also needed after training belongs in other rooms.
"""
