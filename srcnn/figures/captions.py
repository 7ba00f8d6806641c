"""Phrases that the captions of several figures share."""

from srcnn.analysis.results import Results

SCORE_NOTE = "Scores are of the whole image; PSNR is in RGB."


def score_text(results: Results, image: str, method: str) -> str:
    """The scores of an image by a method."""
    score = results.score(image, method)
    return f"PSNR {score['psnr_rgb']:.2f} dB   LPIPS {score['lpips']:.3f}"


def size_text(shape: tuple[int, ...], factor: int = 1) -> str:
    """The width and height of an image, and the factor by which the figure shrinks it."""
    return f"{shape[1]} × {shape[0]} pixels" + (f", 1 : {factor}" if factor > 1 else "")
