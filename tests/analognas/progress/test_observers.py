"""Observers by name, with options, as objects, and several at once."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from analognas.errors import UserError
from analognas.progress.observer import Observer
from analognas.progress.observers import Observers, named_on_command_line, opened
from analognas.progress.printable import tell
from analognas.progress.specs import DISPLAYS, OBSERVERS


@pytest.mark.parametrize("name", DISPLAYS)
def test_every_display_opens_and_closes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(named_on_command_line(name, ())) as observer:
        observer.stage("searching")
    assert ("searching" in capsys.readouterr().err) == (name != "silent")


@pytest.mark.parametrize(
    ("is_terminal", "as_json", "kind"),
    [(True, False, "live"), (True, True, "lines"), (False, False, "lines")],
)
def test_without_a_name_a_terminal_gets_a_bar_and_anything_else_lines(
    is_terminal: bool, as_json: bool, kind: str, monkeypatch
) -> None:
    chosen = []
    spy = SimpleNamespace(model_fields={}, model_validate=lambda _: SimpleNamespace(build=object))
    for name in DISPLAYS:
        note = SimpleNamespace(**{**vars(spy), "model_validate": lambda _, name=name: chosen.append(name)})
        monkeypatch.setitem(OBSERVERS, name, note)
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    with pytest.raises(AttributeError):  # what was chosen is not built here
        opened(named_on_command_line(None, (), as_json=as_json))
    assert chosen == [kind]


def test_what_is_told_meanwhile_stands_above_the_bar(monkeypatch, capsys) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal
    with opened("live") as observer:
        observer.stage("searching")
        tell("something failed")
    assert "\x1b[2Ksomething failed\n" in capsys.readouterr().err


def test_an_unknown_display_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match="unknown observer 'silence', did you mean `silent`") as told:
        named_on_command_line("silence", ())
    assert told.value.on_command_line().startswith("--progress")


@pytest.mark.parametrize(
    ("observer", "message"),
    [
        ("csvs", "^`observer`: unknown observer 'csvs', did you mean `csv`"),
        ("silent(x=1)", "^`observer`: silent: unknown option 'x'; it has none"),
        ("csv(pth=a.csv)", "^`observer`: csv: unknown option 'pth', did you mean `path`"),
        ("csv(path=a.csv", "^`observer`: must read `NAME` or `NAME"),
        ("csv(a.csv)", "^`observer`: an option must read `option=value`, got 'a.csv'"),
        ("csv(path=a, path=b)", "^`observer`: the option `path` is there twice"),
        ("csv(path=[a)", r"^`observer`: path=\[a: `\]` is missing"),
        ("wandb(mode=of)", "^`observer`: wandb: mode: .*, got 'of'$"),
        ("mlflow(experiment=)", "^`observer`: mlflow: experiment: .*, got ''$"),
        ("", "^`observer`: must read `NAME`"),
        (
            object(),
            "^`observer` must be a name such as `csv`, or have at least one of the methods begin, stage",
        ),
        (3, "got 3$"),
        (Observer, "^`observer` must be an object, got the class Observer"),
        ([None], "got None$"),
        (["silent", "csvs"], "unknown observer 'csvs'"),
        (SimpleNamespace(trial="often"), "^`observer`: `trial` must be a method, got 'often'"),
    ],
)
def test_a_wrong_observer_is_one_line(observer: Observers, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        opened(observer)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_a_package_that_is_missing_is_told_with_its_extra(name: str, monkeypatch) -> None:
    monkeypatch.setattr(f"analognas.progress.{name}.find_spec", lambda package: None)
    with pytest.raises(UserError, match=rf"needs the package {name}, .*pip install 'analognas\[{name}\]'"):
        opened(name)


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_nothing_of_a_tracker_is_imported_before_a_run_begins(name: str, monkeypatch) -> None:
    monkeypatch.setattr(f"analognas.progress.{name}.find_spec", lambda package: object())
    monkeypatch.setitem(sys.modules, name, None)  # an import would fail
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with opened(name) as observer:
        observer.stage("searching")


def test_several_observers_are_told_the_same(tmp_path: Path) -> None:
    first, second = [], []
    both = [SimpleNamespace(stage=first.append), "silent", SimpleNamespace(stage=second.append)]
    with opened(both) as observer:
        observer.stage("searching")
    assert first == second == ["searching"]


class Offered:
    """What an installed package offers."""

    def __init__(self, **options: object) -> None:
        self.options = options

    def stage(self, name: str) -> None:
        print(name, self.options)


@pytest.fixture
def _offered(monkeypatch) -> None:
    point = SimpleNamespace(name="theirs", value="package:Offered", load=lambda: Offered)
    for module in ("progress.observers", "specs.entry_points", "config.catalogue"):
        monkeypatch.setattr(f"analognas.{module}.entry_points", lambda group: [point])


@pytest.mark.usefixtures("_offered")
def test_an_installed_package_may_offer_one(capsys: pytest.CaptureFixture[str]) -> None:
    with opened("theirs(n=3, all=true, name='a, b', list=[1, x])") as observer:
        observer.stage("searching")
    told = capsys.readouterr().out
    assert told == "searching {'n': 3, 'all': True, 'name': 'a, b', 'list': [1, 'x']}\n"


@pytest.mark.usefixtures("_offered")
def test_those_of_other_packages_are_described_and_suggested() -> None:
    from analognas.config.catalogue import catalogue

    assert "package:Offered" in catalogue("observers")["theirs"].summary
    assert list(catalogue("observers"))[1:] == list(OBSERVERS)
    with pytest.raises(UserError, match="unknown observer 'their', did you mean `theirs`"):
        opened("their")
