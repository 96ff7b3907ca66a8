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
        (["--g-us", "5", "--times-s", "-1"], "`times_s` must be at least 0 s, got '-1'"),
        (["--g-us", "5", "--times-s", "1 eon"], "`times_s` must be seconds or a text"),
        (["--g-us", "5", "--times-s", "0", "--n", "0"], "1 <= n <= "),
        (["--g-us", "5", "--times-s", "0", "--n", "10000000000"], "1 <= n <= "),
        (["--g-us", "5", "--times-s", "1e308"], "t_s <= 1e+15"),
        (["--device", "reram-com"], "got 'reram-com', did you mean reram-cmo?"),
        (["--device", "none.yaml"], "none.yaml: must be a YAML file of hardware"),
        (["--n", "10", "--plot", "a.pdf"], "`--plot` must end in .html, got a.pdf"),
        (["--n", "10", "--plot", "nowhere/a.html"], "nowhere/a.html: must be a file that can be written"),
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
        (["--seed"], "expected one argument"),
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


CHIP = """
name: my-chip
preset: pcm-rasch2023
device: {kind: polynomial, g_max_us: 40, programming_us: [0.5], latest_s: 1.0e+5}
"""


def test_a_file_of_hardware_is_measured_at_the_times_it_is_valid_for(tmp_path, capsys) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(CHIP)
    assert main(["characterize", "--device", str(path), "--n", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["device"] == "my-chip"
    assert {point["g_us"] for point in found["points"]} == {0, 10, 20, 30, 40}
    assert {point["t_s"] for point in found["points"]} == {0, 1, 60, 3600, 86400}
    assert main(["characterize", "--device", "pcm-rasch2023", "--n", "100", "--g-us", "25"]) == 0


def test_conductances_are_drawn_over_time(tmp_path) -> None:
    path = tmp_path / "drawn.html"
    arguments = ["characterize", "--n", "500", "--g-us", "5", "20", "--times-s", "0", "60", "1 day"]
    assert main([*arguments, "--plot", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert "pcm: mean and standard deviation over devices" in text
    assert "1 day" in text
    assert all(f"{g_us} µS" in text or f"{g_us} \\u00b5S" in text for g_us in (5, 20))
