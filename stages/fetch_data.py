"""Write the photographs of `data.source` as data/hr/{split}/NNNN.png with data/hr/index.csv."""

import math
from collections import Counter
from pathlib import Path

from srcnn.data import sources
from srcnn.data.archives import fetch_archives, read_manifest
from srcnn.data.hr_set import list_conversions, write_hr, write_validation
from srcnn.images.kinds import IMAGE_NAMES
from srcnn.settings import Data, Settings
from srcnn.utils.text import join_names, printable
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write data/hr and data/validation.csv."""
    data = settings.data
    most = {"train": data.train_images, "val": data.val_images}
    photos = sources.select(find_photos(data), data.same_size, most, data.select or 0)
    multiple = math.lcm(*settings.scales)
    images = write_hr(photos, Path("data/hr"), multiple, max(settings.scales))
    notices = []
    if data.source == "folder" and (others := sources.other_files(Path(data.root or ""))):
        notices.append(f"skipped, as they are not {IMAGE_NAMES}: {join_names(others)}")
    notices += list_conversions(images)
    notices += write_validation(images if data.validate_ else [], Path("data/validation.csv"))
    counts = Counter(hr.photo.split for hr in images)
    listed = ", ".join(f"{count} {split}" for split, count in counts.items())
    print("\n".join([*map(printable, notices), f"images in data/hr: {listed}"]))


def find_photos(data: Data) -> list[sources.Photo]:
    """The photographs of `data.source`, downloaded if necessary."""
    if data.in_archives:
        archives = [a for a in read_manifest(Path(data.manifest)).archives if a.scale is None]
        return sources.archive_photos(fetch_archives(archives, data.base_url, data.cache))
    if data.source == "sample":
        return sources.sample_photos(Path("datasets/sample.yaml"))
    return sources.folder_photos(Path(data.root or ""))


if __name__ == "__main__":
    run_stage(main)
