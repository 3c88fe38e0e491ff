from pathlib import Path

import numpy as np
import pytest

from models.errors import ExportError
from models.evidence import Outcome
from retrain.picture import draw, panels
from tests.retrain.ladders import made_ladder


def test_a_ladder_is_drawn_whole(tmp_path: Path) -> None:
    drawn = panels([made_ladder(np.random.default_rng(0), (0.4, 0.5, 0.6), (0.8, 1.0, 1.2))], 0)
    path = draw(drawn, Outcome.PASS, tmp_path / "deep" / "ladder.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000
    assert [p.name for p in path.parent.iterdir()] == ["ladder.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError):
        draw(drawn, None, tmp_path / "file" / "ladder.png")
