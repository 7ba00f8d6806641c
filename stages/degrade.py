"""Make the bicubic low-resolution set of one scale, data/lr/x{scale}/{split}/NNNNx{scale}.png."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from srcnn.datasets import lr_name
from srcnn.images import list_images, read_rgb, write_png
from srcnn.resize import imresize
from srcnn.settings import Settings
from srcnn.stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write data/lr/x{scale}."""

    def degrade(hr_file: Path) -> None:
        hr, _ = read_rgb(hr_file)
        split = hr_file.parent.name
        lr_file = Path(f"data/lr/x{scale}", split, lr_name(hr_file.stem, scale))
        write_png(lr_file, imresize(hr, 1 / scale))

    hr_files = list_images(Path("data/hr"))
    # Threads suffice: decoding, encoding and products run outside the interpreter's lock.
    with ThreadPoolExecutor() as pool:
        list(tqdm(pool.map(degrade, hr_files), f"degrade ×{scale}", len(hr_files), unit="image"))


if __name__ == "__main__":
    run_stage(main, "scale")
