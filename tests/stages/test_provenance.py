import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from stages.provenance import provenance

OneLine = Callable[[Any], str]


def test_the_environment_says_where_each_model_was_trained(tmp_path: Path) -> None:
    for name in ("a", "b"):
        about = {"trained_on": f"machine {name}"}
        save_model(SRCNN(2), tmp_path / f"{name}.safetensors", about)
    models = {f"x2/{name}": tmp_path / f"{name}.safetensors" for name in ("a", "b")}
    facts = provenance(torch.device("cpu"), models)
    assert facts["trained_on"] == {"x2/a": "machine a", "x2/b": "machine b"}
    assert facts["versions"]["torch"] == torch.__version__
    assert set(facts["tolerance"]) == set(METRICS)
    assert json.loads(json.dumps(facts)) == facts


@pytest.mark.parametrize("content", [None, b"no model"])
def test_a_model_that_cannot_be_read_is_named(
    tmp_path: Path, one_line: OneLine, content: bytes | None
) -> None:
    path = tmp_path / "mse.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        provenance(torch.device("cpu"), {"x2/mse": path})
    assert str(path) in one_line(caught)
