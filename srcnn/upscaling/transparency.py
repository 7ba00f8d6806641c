"""Colours of transparent pixels, which would show at visible edges of a resized image."""

import numpy as np

from srcnn.images.decode import PixelArray


def fill_transparent(image: PixelArray) -> PixelArray:
    """Give fully transparent pixels the colour of the nearest visible pixel.

    Their stored colour is arbitrary, and a network or a kernel would mix it into visible edges. The
    image is [h, w, 2 or 4], its last channel alpha.
    """
    hidden = image[..., -1] == 0
    if hidden.all() or not hidden.any():
        return image
    from scipy.ndimage import distance_transform_edt  # slow to import and rarely needed

    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return np.dstack([image[..., :-1][tuple(nearest)], image[..., -1]])
