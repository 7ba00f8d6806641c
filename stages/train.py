"""Train SRCNN at one scale with one loss: models/x{scale}/{loss}.safetensors and its curves."""

import signal
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from srcnn.models.device import device_name, peak_memory
from srcnn.models.model_files import save_model
from srcnn.settings import Settings
from srcnn.training.build import build_trainer, make_checkpoint, read_inputs
from srcnn.training.epoch_log import (
    EpochLog,
    log_seconds,
    make_loggers,
    warn_if_worse,
    write_curves,
)
from srcnn.training.fabric import launch_fabric, one_line_errors
from srcnn.utils.text import join_names
from stages.input_guard import InputGuard
from stages.run_stage import run_stage


def main(settings: Settings, scale: int, loss: str) -> None:
    """Start the processes and train; the first process writes the model and its curves."""
    run, name = settings.train, f"x{scale}_{loss}"
    fabric = launch_fabric(
        run.precision,
        run.devices,
        run.nodes,
        deterministic=run.deterministic,
        loggers=make_loggers(run.log, name),
    )
    with one_line_errors(fabric):
        train(fabric, settings, scale, loss, name)


def train(fabric: Fabric, settings: Settings, scale: int, loss: str, name: str) -> None:
    """Train in one of the processes; `name` is that of the curves."""
    guard = InputGuard({"scale": scale, "loss": loss})
    inputs = read_inputs(settings, scale, loss, fabric.device)
    checkpoint = make_checkpoint(settings, scale, loss, inputs, fabric, Path(__file__))
    if fabric.is_global_zero:
        checkpoint.lock()
    trainer = build_trainer(settings, scale, loss, fabric, inputs, checkpoint)
    signal.signal(signal.SIGINT, trainer.request_stop)
    title = f"×{scale} with {loss}"
    log, reported = EpochLog(trainer, title), list[str]()
    for row in trainer.run():
        if fabric.is_global_zero:  # after each epoch, so that dvc plots can follow the run
            write_curves(trainer.progress.rows, f"{name}.csv")
        seconds = log.add(row)
        if fabric.is_global_zero:
            log_seconds(name, int(row["epoch"]), seconds)
        if (changed := guard.changed()) and changed != reported:
            names = join_names(changed)
            fabric.print(f"{names}: changed during this run; change it back, or the run will fail")
        reported = changed
    for logger in fabric.loggers:
        logger.finalize("success")
    warn_if_worse(trainer, title)
    if fabric.is_global_zero:
        print(f"peak memory {peak_memory(fabric.device):.1f} GiB")
        about: dict[str, Any] = {"loss": loss, "ratios": dict(trainer.objective.ratios)}
        about["trained_on"] = device_name(fabric.device)
        if settings.train.keep == "best":
            about["kept_epoch"] = int(trainer.kept["epoch"])
        save_model(trainer.model, Path(f"models/x{scale}/{loss}.safetensors"), about)
        guard.check()  # before the checkpoint is removed: after an undo nothing is lost
        checkpoint.remove()


if __name__ == "__main__":
    run_stage(main, "scale", "loss")
