import pytest

from analognas.config.document import parse_document, parse_value, read_document
from analognas.errors import UserError
from analognas.specs.problems import ConfigError


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "search.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_values_and_their_places() -> None:
    document = parse_document("seed: 1\ntask:\n  kind: digits\nlist: [1, 2]\n", "search.yaml")
    assert document.values == {"seed": 1, "task": {"kind": "digits"}, "list": [1, 2]}
    assert str(document.key_place(("task", "kind"))) == "search.yaml:3:3"
    assert str(document.value_place(("list", 1))) == "search.yaml:4:11"
    assert str(document.value_place(("task", "missing", "deeper"))) == "search.yaml:3:3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.5E+2", 150.0),
        ("-4", -4),
        ("010", 10),
        ("1_000", 1000),
        ("on", "on"),
        ("no", "no"),
        ("true", True),
        ("2001-01-01", "2001-01-01"),
        ("12:30", "12:30"),
        ("null", None),
        ("", None),
        ("[1, a]", [1, "a"]),
    ],
)
def test_scalars_read_as_people_mean_them(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_equal_keys_are_an_error_that_names_both_lines() -> None:
    assert problems("seed: 1\nseed: 2\n") == [
        "search.yaml:2:1: seed: this key was given before, at line 1; remove one of the two"
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n- b\n", "got a list"),
        ("just text\n", "got a single value"),
        ("a: [1, 2\n", "not YAML"),
        ("a: b: c\n", "not YAML"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: !!python/object/apply:os.system [echo]\n", "tag"),
        ("a: !!python/name:os.system x\n", "tag"),
        ("!!set {a, b}\n", "tag"),
        ("a: !!bool maybe\n", "not a plain value"),
        ("? [1, 2]\n: 3\n", "a key must be a plain word"),
        ("a: \x00\n", "not YAML"),
    ],
)
def test_what_is_no_configuration(text: str, part: str) -> None:
    assert part in problems(text)[0]


def test_files_that_cannot_be_read(tmp_path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(256)))
    for path, part in (
        (tmp_path / "missing.yaml", "no such file"),
        (tmp_path, "is a directory"),
        (binary, "not a text file"),
    ):
        with pytest.raises(UserError, match=part):
            read_document(path)
