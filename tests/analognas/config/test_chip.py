"""A described chip in a search: its hardware, its tiles, and bounds on what it takes."""

from pathlib import Path

import pytest

import analognas
import hwsim
from analognas.compose import compose
from analognas.config.document import parse_document
from analognas.config.loader import dump_config, validate_document
from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError, UserError
from analognas.runs.lifecycle import new_run
from analognas.runs.resume_checks import search_differences, with_bounds_of
from analognas.strategies.costs import network_costs
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import published

SMALL = (
    "task: {kind: digits}\nspace: {kind: resnet, oc0: [8, 12], m: [1, 2], r: [1, 1], b: [1, 2], wf: [1, 2]}\n"
)
CHIP = "chip: {chip: hermes-64core, tiles: 16, mode: one-phase}\n"


def config(text: str, folder: Path = Path()) -> SearchConfig:
    return validate_document(parse_document(text, "search.yaml"), folder)


def test_a_chip_brings_its_hardware_and_round_trips(tmp_path: Path) -> None:
    found = config(SMALL + CHIP)
    assert found.chip is not None
    assert (found.chip.name, found.chip.tiles) == ("hermes-64core with tiles 16, mode one-phase", 16)
    assert found.hardware == hwsim.preset("pcm-hermes-2")
    assert config(dump_config(found)) == found
    (tmp_path / "mine.yaml").write_text("chip: aon-cim\ntiles: 3\n")
    own = config(SMALL + "chip: mine.yaml\n", tmp_path)
    assert own.chip is not None
    assert (own.chip.name, own.hardware.tile.rows, own.hardware.tile.columns) == ("mine", 1024, 512)
    changed = config(SMALL + "chip: {chip: mine.yaml, mode: 4-bit}\n", tmp_path)
    assert changed.chip is not None
    assert (changed.chip.mode, changed.chip.tiles) == ("4-bit", 3)
    assert changed.chip.area == own.chip.area


def test_bounds_name_a_network_and_the_chip_bounds_its_tiles() -> None:
    bounds = "constraints: {parameters: <= resnet8, energy_uj: <= resnet8, latency_us: 0.2 ms}\n"
    composition = compose(config(SMALL + CHIP + bounds))
    assert composition.config.chip is not None
    costs = network_costs(
        published("resnet8", (1, 8, 8), 10),
        (1, 8, 8),
        composition.config.hardware,
        ChipUse.of(composition.config.chip),
    )
    assert composition.problem.upper_bounds == {
        "parameters": costs["parameters"],
        "tiles": 16,
        "energy_uj": costs["energy_uj"],
        "latency_us": 200,
    }
    assert set(composition.named_bounds) == {"parameters", "tiles", "energy_uj"}
    assert any("`parameters <= 77,898`, that of resnet8" in note for note in composition.notes)


def test_small_layers_that_share_tiles_are_bound_by_the_packed_ones() -> None:
    packed = compose(config(SMALL + "chip: {chip: hermes-64core, mapping: packed, tiles: 2}\n"))
    assert packed.problem.upper_bounds["tiles_packed"] == 2
    assert "tiles" not in packed.problem.upper_bounds


def test_the_same_command_again_is_the_same_search(tmp_path: Path) -> None:
    written = config(SMALL + CHIP + "constraints: {energy_uj: <= resnet8}\n")
    composition = compose(written)
    run = new_run(composition, tmp_path / "run")
    assert config(run.config.read_text()) == composition.config
    assert list(search_differences(run, with_bounds_of(run, written))) == []
    another = config(SMALL + CHIP + "constraints: {energy_uj: 5}\n")
    assert any("energy_uj" in line for line in search_differences(run, with_bounds_of(run, another)))


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "an unknown chip": ("chip: hermes\n", "did you mean hermes-64core"),
        "a missing file": (
            "chip: nothing.yaml\n",
            "nothing.yaml: must be a YAML file of a chip: No such file",
        ),
        "no rows": ("chip: {chip: aon-cim, tile: {rows: 0, columns: 4}}\n", "`tile.rows`"),
        "a unit that is absent": ("chip: {chip: aon-cim, static: 3}\n", "must have a unit"),
        "other tiles": (
            CHIP + "hardware: pcm-analognas\n",
            "the tiles of `hardware` must be those of `chip`, 256 × 256, got 512 × 512",
        ),
        "another mapping": (
            "chip: {chip: hermes-64core, mapping: packed}\nhardware: pcm-hermes-1\n",
            "256 × 256 packed, got 256 × 256: leave `hardware` out, or write .*mapping: packed",
        ),
        "an objective without a chip": (
            "search: {strategy: {kind: nsga2}}\nfurther_objectives: [energy_uj]\n",
            "`energy_uj` needs a section `chip`",
        ),
        "a bound without a chip": ("constraints: {energy_uj: 5}\n", "`energy_uj` needs a section `chip`"),
        "a named bound without a chip": (
            "constraints: {latency_us: <= resnet8}\n",
            "`latency_us` needs a section",
        ),
        "a bound that the chip does not have": (
            "chip: analognas-2dmesh\nconstraints: {area_mm2: 5}\n",
            "has no `area.core`",
        ),
        "another unit": (CHIP + "constraints: {energy_uj: 5 ns}\n", "energy_uj"),
        "an objective that the chip does not have": (
            "chip: aon-cim\nsearch: {strategy: {kind: nsga2}}\nfurther_objectives: [area_mm2]\n",
            "has no `area.core`",
        ),
        "the other way round": (CHIP + "constraints: {inferences_per_j: <= resnet8}\n", "write `>= resnet8`"),
        "a number after the sign": (CHIP + "constraints: {parameters: <= 40 k}\n", "write `40 k`"),
        "an unknown network": (CHIP + "constraints: {energy_uj: <= resnet9}\n", "did you mean `resnet8`"),
    }.values(),
)
def test_what_does_not_fit_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        config(SMALL + text)
    assert "search.yaml:" in str(caught.value)


def test_a_bound_that_no_candidate_meets_names_the_smallest_found() -> None:
    with pytest.raises(MisfitError, match=r"`energy_uj <= 0.01` rejects .*smallest found") as caught:
        compose(config(SMALL + CHIP + "constraints: {energy_uj: 0.01}\n"))
    assert caught.value.paths == (("constraints",),)


@pytest.mark.parametrize("section", ["", "chip: analognas-2dmesh\n", CHIP], ids=["none", "no areas", "areas"])
def test_a_plan_tells_the_costs_that_there_are(section: str, tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(
        SMALL + section + "references: []\nsearch: {start_from: [{OC0: 8, KS0: 3, M: 1, blocks: "
        "[{R: 1, B: 1, CT: B, WF: 1, skip: true}]}]}\n"
    )
    given = analognas.plan(path).to_json()["start_from"][0]
    assert ("energy_uj" in given) == bool(section)
    assert ("area_mm2" in given) == (section == CHIP)
