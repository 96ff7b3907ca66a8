from pathlib import Path

import pytest

from analognas.config.loader import load_config
from analognas.config.template import template
from analognas.errors import UserError
from tests.analognas.parse import parse_config

ROOT = Path(__file__).parents[3]


def test_the_template_is_the_ready_made_search_with_budgets_for_data_of_any_size() -> None:
    written, ready = parse_config(template("digits"), ROOT), load_config(ROOT / "configs" / "digits.yaml")[0]
    of_any_data = ("training", "final", "constraints")
    of_any_chip = ("space", "chip", "hardware")
    own = {name: getattr(ready, name) for name in (*of_any_data, *of_any_chip, "search")}
    assert written.model_copy(update=own) == ready
    assert (written.search.trials, written.search.batch) == (ready.search.trials, ready.search.batch)
    assert written.chip == ready.chip
    assert written.space.kind == ready.space.kind
    bounds, others = written.constraints.model_dump(), ready.constraints.model_dump()
    assert (bounds.pop("parameters"), others.pop("parameters")) == ("<= resnet8", 40000)
    assert bounds == others
    for schedule in (written.training.digital, written.training.hardware_aware):
        assert schedule.updates > 0
    assert written.final.digital_updates > written.training.digital.updates


def test_the_template_for_own_data_asks_for_their_file() -> None:
    with pytest.raises(UserError, match=r"config:8:9: task.path: no such file"):
        parse_config(template("arrays"), ROOT, "config")


@pytest.mark.parametrize(("kind", "folder"), [("image-folder", "images"), ("wav-folder", "recordings")])
def test_the_templates_for_own_folders_are_valid_once_the_folder_is_there(kind, folder, tmp_path) -> None:
    (tmp_path / folder).mkdir()
    assert parse_config(template(kind), tmp_path).task.kind == kind


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(UserError, match="did you mean `digits`"):
        template("digit")


def test_the_template_for_a_text_is_valid_once_the_text_is_there(tmp_path) -> None:
    (tmp_path / "book.txt").write_text("the quick brown fox\n" * 400, encoding="utf-8")
    config = parse_config(template("char-lm"), tmp_path)
    assert config.objective == "bits_1d"
    assert config.task.build().every_step
    assert config.training.digital.clip_gradient == 5
