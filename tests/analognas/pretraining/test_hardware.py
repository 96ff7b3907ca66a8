"""Models of networks on several hardware, and what they say of a network on another one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import hwsim
from analognas.bench.records_table import problem_of
from analognas.errors import UserError
from analognas.pretraining import fit_pretrained
from analognas.pretraining.predict import predict
from analognas.record.records_file import read_records
from analognas.strategies.pretrained_file import Pretrained, read_pretrained
from surrogates.hardware_features import HARDWARE_FEATURES, hardware_features
from tests.analognas.pretraining_records import made_up_records
from tests.analognas.small_search import analognas as run_command

BASE = hwsim.preset("pcm-hermes-2")
NOISES = (0.0, 0.02, 0.04, 0.08, 0.12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("hardware")
    for noise in NOISES:
        hardware = BASE.replace({"mvm.output_noise": noise})
        name = f"noise-{noise:g}"
        made_up_records(
            found / f"{name}.csv.gz", n=40, name=name, hardware=hardware, shift=-2 * noise, noise=0.002
        )
    paths = [found / f"noise-{noise:g}.csv.gz" for noise in NOISES]
    done = run_command("surrogate", "fit", *paths, "--out", found / "model.json")
    assert done.returncode == 0, done.stderr
    assert "noise-0.04, by a model of the other hardware, " in done.stdout
    return found


@pytest.fixture(scope="module")
def model(folder: Path) -> Pretrained:
    return read_pretrained(folder / "model.json")


def architecture(folder: Path, tmp_path: Path, row: int = 0, **changes: object) -> Path:
    """Write the architecture.json of a network of the records, as a run does."""
    records = read_records(folder / "noise-0.04.csv.gz")
    space = problem_of(records).space
    genotype = tuple(records.population[row].tolist())
    content = {
        "architecture": space.describe(genotype),
        "genotype": list(genotype),
        "space": records.config["space"],
        "input_shape": records.header["input_shape"],
        "classes": [str(number) for number in range(10)],
        "task": {"kind": "digits"},
        "data_sha256": "8",
        "training": {},
        "final": {},
        "hardware": BASE.model_dump(mode="json"),
        "seed": 0,
        "threads": 1,
        **changes,
    }
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(content))
    return path


def test_the_card_tells_how_well_unseen_hardware_is_predicted(model: Pretrained) -> None:
    figures = model.card["leave_one_hardware_out"]
    assert set(figures) == {f"noise-{noise:g}" for noise in NOISES}
    assert (
        figures["noise-0.04"]["accuracy_1d"]["mean_absolute_error"] < 0.02
    )  # 0.03 without a feature of the noise
    assert figures["noise-0.04"]["unknown"] < 0.1
    assert figures["noise-0.12"]["accuracy_1d"]["tau"] is None  # the noisiest lies outside of all others
    assert set(model.card["features"]) >= {"output_noise", "log_nsr_sum", "log_share_parameters"}


def test_hardware_that_no_feature_tells_is_not_predicted_for_the_card(folder: Path, tmp_path: Path) -> None:
    other = BASE.replace({"mvm.ir_drop": 1.0})
    made_up_records(tmp_path / "drop.csv.gz", n=40, name="drop", hardware=other, noise=0.002)
    paths = [*(folder / f"noise-{noise}.csv.gz" for noise in ("0", "0.02", "0.04")), tmp_path / "drop.csv.gz"]
    fitted = fit_pretrained(paths, tmp_path / "model.json", targets=["accuracy_1d"])
    figures = fitted.card["leave_one_hardware_out"]
    assert figures["drop"]["unknown"] == 1.0
    assert figures["drop"]["accuracy_1d"]["tau"] is None
    assert figures["noise-0.02"]["unknown"] < 0.1


def test_folds_keep_a_network_together(folder: Path, tmp_path: Path) -> None:
    """Else a network that is known on one hardware would tell its own rank on another."""
    paths = []
    for number, noise in enumerate(NOISES[:3]):
        hardware = BASE.replace({"mvm.output_noise": noise})
        paths.append(tmp_path / f"{number}.csv.gz")
        made_up_records(paths[-1], n=60, name=str(number), hardware=hardware, noise=0.0, sign=0.0)
        records = read_records(paths[-1])
        text = records.frame.assign(
            accuracy_1d=[hash_of(genotype) for genotype in records.frame["genotype"]],
            failure="",
        )
        from analognas.record.records_file import write_records

        header = {key: value for key, value in records.header.items() if key not in ("format", "schema")}
        write_records(paths[-1], header, text.to_dict("records"))
    card = fit_pretrained(paths, tmp_path / "model.json", targets=["accuracy_1d"]).card
    assert abs(card["held_out"]["model"]["accuracy_1d"]) < 0.3


def hash_of(genotype: str) -> float:
    """Return a number of a genotype that nothing but the genotype itself tells."""
    seed = abs(int.from_bytes(genotype.encode(), "little")) % 2**32
    return float(np.random.default_rng(seed).random())


def test_more_noise_costs_accuracy_and_foreign_hardware_is_less_known(
    folder: Path, model: Pretrained, tmp_path: Path
) -> None:
    noisy = tmp_path / "noisy.yaml"
    noisy.write_text("preset: pcm-hermes-2\nmvm: {output_noise: 0.1}\n")
    foreign = tmp_path / "foreign.yaml"
    foreign.write_text("preset: pcm-hermes-2\nmvm: {output_noise: 1.0}\n")
    path = architecture(folder, tmp_path)
    own, more, far = predict(model, path, ["pcm-hermes-2", str(noisy), str(foreign)])
    assert own.values["accuracy_1d"][0] > more.values["accuracy_1d"][0] + 0.05
    for found in (own, more):
        middle, low, high = found.values["accuracy_1d"]
        assert low <= middle <= high
        assert found.unknown < 0.2
        assert found.outside in ("", "log_nsr_worst", "log_nsr_sum", "log_nsr_first", "log_nsr_last")
    assert far.unknown == 1.0
    assert far.outside == "output_noise"
    assert np.isnan(far.values["accuracy_1d"]).all()
    for change, setting in (
        ("mvm: {ir_drop: 1.0}", "mvm.ir_drop"),
        ("compensation: {kind: none}", "compensation.kind"),
    ):  # which no feature tells
        foreign.write_text(f"preset: pcm-hermes-2\n{change}\n")
        (unseen,) = predict(model, path, [str(foreign)])
        assert (unseen.unknown, unseen.outside) == (1.0, setting)
        assert np.isnan(unseen.values["accuracy_1d"]).all()


def test_the_command_prints_a_line_a_hardware(folder: Path, tmp_path: Path) -> None:
    path = architecture(folder, tmp_path)
    arguments = ("surrogate", "predict", folder / "model.json", "--network", path)
    done = run_command(*arguments, "--hardware", "pcm-hermes-2", "--hardware", "pcm-analognas")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "hardware",
        "pcm-hermes-2",
        "pcm-analognas",
        "as",
    ]
    assert done.stdout.endswith("as of networks trained like those of the records\n")
    content = json.loads(run_command(*arguments, "--json").stdout)
    assert set(content[0]["predictions"]) == {"accuracy_1d", "std_1d", "avm"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data_sha256": "1"}, "is a network for digits, .* on its data alone"),
        ({"genotype": None, "architecture": {"name": "resnet8"}}, "a published network has no features"),
        ({"architecture": {"stem": {}}}, "must have exactly the keys"),
    ],
)
def test_networks_that_a_model_cannot_know(
    folder: Path, model: Pretrained, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        predict(model, architecture(folder, tmp_path, **changes))


def test_a_model_of_several_tasks_knows_ranks_alone(folder: Path, tmp_path: Path) -> None:
    paths = [
        made_up_records(tmp_path / f"{name}.csv.gz", n=30, name=name, seed=seed, data=name)
        for seed, name in enumerate(("one", "two"))
    ]
    several = fit_pretrained(paths, tmp_path / "several.json")
    with pytest.raises(UserError, match="fitted on several tables"):
        predict(several, architecture(folder, tmp_path))


def test_records_of_several_hardware_share_everything_else(folder: Path, tmp_path: Path) -> None:
    other = made_up_records(tmp_path / "other.csv.gz", n=30, hardware="ideal-8bit", space={"width": [8, 48]})
    with pytest.raises(UserError, match="records of several hardware must share `space`"):
        fit_pretrained([folder / "noise-0.csv.gz", other], tmp_path / "model.json")


def test_a_search_takes_a_model_of_several_hardware(folder: Path, tmp_path: Path) -> None:
    from analognas.compose import compose
    from tests.analognas.parse import parse_config

    text = (
        "task: {kind: digits}\n"
        "space: {kind: staged, width: [8, 32], stem_width: [8, 16], stages: 2, types: BD}\n"
        "hardware: {preset: pcm-hermes-2, mvm: {output_noise: 0.06}}\n"
        "constraints: {parameters: 60000}\n"
        f"search: {{strategy: {{kind: surrogate-guided, pretrained: {folder / 'model.json'}}}}}\n"
    )
    composition = compose(parse_config(text, tmp_path))
    composition.site.close()
    assert composition.informed.prior is not None
    assert composition.informed.prior.weight == 1.0
    population = composition.probe.admissible[:20]
    expected, _, unknown = composition.informed.prior.expected(composition.problem, population)
    assert expected.shape == unknown.shape == (len(population),)


def test_features_of_hardware_are_finite_and_named() -> None:
    for name in hwsim.preset_names():
        features = hardware_features(hwsim.preset(name), 3)
        assert list(features.columns) == list(HARDWARE_FEATURES)
        assert len(features) == 3
        assert np.isfinite(features.to_numpy()).all()
