"""`--dry-run` and the start of a search: what it will do, how large candidates are, what it takes."""

import json
import os

from analognas.config.loader import load_config
from tests.analognas.cli.command_line import files, invoke
from tests.analognas.small_search import SMALL, TINY


def test_a_dry_run_shows_the_plan_and_creates_nothing(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    before = files(here)
    done = invoke("search", "small.yaml", "--dry-run", "--json")
    assert done.exit_code == 0
    plan = json.loads(done.stdout)
    assert plan["trials"] == 8
    assert 0 < plan["admissible_share"] <= 1
    assert set(plan["sizes"]) == {"parameters", "macs", "tiles"}
    assert plan["sizes"]["parameters"]["q05"] < plan["sizes"]["parameters"]["q95"] <= 20_000
    assert plan["expected_time"]["search_s"] > 0
    assert plan["expected_time_unknown"] is None
    assert plan["rungs"] == [
        {
            "candidates": 8,
            "digital_epochs": 2,
            "hardware_aware_epochs": 1,
            "digital_updates": 68,
            "hardware_aware_updates": 34,
            "chips": 3,
        }
    ]
    assert files(here) == before


def test_a_dry_run_shows_the_full_budget_and_the_references_that_cannot_win(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    options = ("--set", "references=[resnet8]", "--set", "final.digital_updates=150")
    shown = invoke("search", "small.yaml", "--dry-run", *options).stdout.splitlines()
    assert (
        "full budget       5 digital + 1 hardware-aware epochs (170 + 34 updates), 3 chips; `updates` asks for more "
        "epochs than 3 + 1"
    ) in shown
    assert "cannot win        resnet8 breaks `parameters <= 20,000` (77,898)" in shown
    plan = json.loads(
        invoke("search", "small.yaml", "--dry-run", "--json", *options, "--set", "constraints={}").stdout
    )
    assert plan["full_budget"]["digital_updates"] == 170
    assert plan["cannot_win"] == {}


def test_a_search_without_bounds_says_which_it_takes_and_keeps_them(here) -> None:
    text = TINY.replace("constraints: {parameters: 20000}\n", "").replace(
        "references: []", "references: [resnet8]"
    )
    (here / "free.yaml").write_text(text)
    shown = invoke("search", "free.yaml", "--dry-run").stdout
    assert "notes             constraints: no bound on size is written" in shown
    assert "constraints       parameters 77,898, macs 763,520" in shown
    done = invoke("search", "free.yaml", "--out", "run")
    assert done.exit_code == 0
    for line in (
        "constraints: no bound on size is written",
        "candidates: parameters ",
        "expected time: about ",
    ):
        assert done.stderr.count(line) == 1
    assert load_config(here / "run" / "config.yaml")[0].constraints.macs == 763_520
    report = (here / "run" / "report.html").read_text()
    assert (
        "<p>constraints: no bound on size is written; taken are <code>parameters &lt;= 77,898</code>"
        in report
    )
    again = invoke("search", "free.yaml", "--out", "run", "--resume", "auto")
    assert again.exit_code == 0
    assert "the run has ended already" in again.stderr
    assert invoke("replay", "run").exit_code == 0


def test_more_threads_than_processors_are_noted(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    n = len(os.sched_getaffinity(0)) + 1
    threads = ("--set", f"executor.threads={n}")
    shown = invoke("search", "small.yaml", "--dry-run", *threads).stdout
    assert f"{n} threads slow each other down" in shown
    assert "lower `executor.threads`\n" in shown
    assert "slow each other down" not in invoke("search", "small.yaml", "--dry-run").stdout


def test_a_dry_run_shows_rungs_given_candidates_and_how_the_network_is_chosen(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    given = "{OC0: 8, KS0: 3, M: 1, blocks: [{R: 1, B: 1, CT: B, WF: 2, skip: true}]}"
    changes = [
        *("search.trials=9", "search.halving={eta: 3, rungs: 2}", "evaluation.chips=6"),
        *("training.mixed_precision=true", "training.early_stop={epoch: 1, accuracy: 0.3}"),
        *(
            "space.to_maximum=0.2",
            "further_objectives=[parameters]",
            "constraints={parameters: 20 k, avm: 5 points}",
            "choice=knee",
            f"search.start_from=[{given}]",
        ),
    ]
    options = [part for change in changes for part in ("--set", change)]
    shown = invoke("search", "small.yaml", "--dry-run", *options).stdout
    for line in (
        "constraints       parameters 20,000, avm 5.00 points",
        "objectives        accuracy_1d, parameters",
        "choice            the knee of the front",
        "start_from        architecture: 3,938 parameters, 234,144 MACs, 6 tiles",
        "rungs             9 candidates: 1 digital + 1 hardware-aware epochs (34 + 34 updates), 2 chips",
        "                  3 candidates: 2 digital + 1 hardware-aware epochs (68 + 34 updates), 6 chips",
        "evaluations       12",
        "to_maximum        0.2",
        "mixed_precision   bfloat16 in digital training",
        "early_stop        below 0.3 after epoch 1",
        "device            cpu",
        "threads           1",
    ):
        assert line in shown.splitlines()
    plan = json.loads(invoke("search", "small.yaml", "--dry-run", "--json", *options).stdout)
    assert plan["start_from"][0]["architecture"]["OC0"] == 8
    assert plan["choice"] == "knee"
