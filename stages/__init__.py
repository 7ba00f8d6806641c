"""The stages of the pipeline (`dvc.yaml`), each run as `python -m stages.NAME`."""

import gc

# Python looks for garbage each 700 objects; importing torch makes millions, none of them garbage.
gc.set_threshold(50_000)
