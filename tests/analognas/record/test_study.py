import optuna
import pytest

from analognas.errors import UserError
from analognas.record.study import write_study
from tests.analognas.record.builders import a_trial


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_run_is_an_optuna_study(tmp_path) -> None:
    trials = [
        a_trial(0, accuracy=0.8, architecture={"OC0": 8, "blocks": [{"R": 1, "CT": "A", "skip": True}]}),
        a_trial(
            1,
            accuracy=0.9,
            architecture={"OC0": 16, "blocks": [{"R": 2, "CT": "B", "skip": False}, {"R": 1}]},
        ),
        a_trial(2, failed=True, architecture={"OC0": 9, "blocks": [{"R": 3, "CT": "A", "skip": True}]}),
    ]
    path = tmp_path / "study.db"
    for _ in range(2):  # a second time replaces the first
        write_study(path, "digits", trials, {"accuracy_1d": 1}, {})
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    study = optuna.load_study(study_name="digits", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "FAIL"]
    assert study.best_value == 0.9
    assert study.best_params == {
        "OC0": 16,
        "blocks.0.R": 2,
        "blocks.0.CT": "B",
        "blocks.0.skip": False,
        "blocks.1.R": 1,
    }
    assert study.trials[2].user_attrs["failure"] == "diverged"
    assert [file.name for file in tmp_path.iterdir()] == ["study.db"]
    storage.engine.dispose()


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_the_best_trial_of_the_study_keeps_to_the_constraints(tmp_path) -> None:
    trials = [a_trial(0, accuracy=0.8, parameters=900.0), a_trial(1, accuracy=0.9), a_trial(2, failed=True)]
    bounds = {"parameters": 950.0, "avm": 0.05}
    write_study(tmp_path / "study.db", "digits", trials, {"accuracy_1d": 1}, bounds)
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.load_study(study_name="digits", storage=storage)
    assert study.best_value == 0.8
    assert study.trials[1].constraints == {"parameters": 50.0, "avm": pytest.approx(-0.03)}
    storage.engine.dispose()


def test_without_trials_or_a_place_there_is_no_study(tmp_path) -> None:
    with pytest.raises(UserError, match="no trials yet"):
        write_study(tmp_path / "study.db", "digits", [], {"accuracy_1d": 1}, {})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_study(tmp_path / "file" / "study.db", "digits", [a_trial()], {"accuracy_1d": 1}, {})


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_value_that_is_absent_is_a_category(tmp_path) -> None:
    trials = [a_trial(1, architecture={"OC0": None}), a_trial(2, architecture={"OC0": 8})]
    write_study(tmp_path / "study.db", "digits", trials, {"accuracy_1d": 1}, {})
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    assert optuna.load_study(study_name="digits", storage=storage).trials[0].params == {"OC0": None}
    storage.engine.dispose()
