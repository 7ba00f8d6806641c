"""Image files and arrays: decoding, colour, PNG, MATLAB's resize, pairs of HR and LR images.

Nothing here needs torch.
"""
