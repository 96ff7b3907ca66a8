import json
import subprocess
import sys

import pytest

from hwsim.__main__ import main


def test_characterize_prints_json_for_every_pair_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["characterize", "--g-us", "5", "25", "--times-s", "0", "3600", "--n", "2000", "--seed", "1"]
    assert main([*arguments, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [(point["g_us"], point["t_s"]) for point in first["points"]] == [
        (5, 0),
        (5, 3600),
        (25, 0),
        (25, 3600),
    ]
    assert first["points"][2]["mean_us"] == pytest.approx(25, abs=0.2)
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["g_us", "t_s", "mean_us", "std_us"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--g-us", "26", "--times-s", "0"], "g_us <= 25"),
        (["--g-us", "nan", "--times-s", "0"], "g_us"),
        (["--g-us", "5", "--times-s", "-1"], "t_s"),
        (["--g-us", "5", "--times-s", "0", "--n", "0"], "1 <= n <= "),
        (["--g-us", "5", "--times-s", "0", "--n", "10000000000"], "1 <= n <= "),
        (["--g-us", "5", "--times-s", "1e308"], "t_s <= 1e+15"),
    ],
)
def test_bad_input_gives_one_clear_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["characterize", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "flash", "--g-us", "1", "--times-s", "0"], "invalid choice: 'flash'"),
        (["--g-us", "1"], "the following arguments are required: --times-s"),
        (["--g-us", "much", "--times-s", "0"], "invalid float value: 'much'"),
    ],
)
def test_a_usage_error_is_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["characterize", *arguments])
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_hardware_is_described_without_loading_torch() -> None:
    code = "import sys, hwsim; hwsim.preset('pcm-rasch2023'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = "-m hwsim characterize --n 10 --times-s 1 --g-us " + " ".join(["5"] * 4000)
    script = f"{sys.executable} {command} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
