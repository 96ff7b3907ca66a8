import numpy as np

from analognas.tasks.store.cache import cached, file_identity


def test_an_entry_is_made_once_for_each_identity(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[int] = []

    def compute():
        made.append(1)
        return {"x": np.arange(3), "note": np.array(["ä"])}

    for identity in ({"a": 1}, {"a": 1}, {"a": 2}):
        arrays = cached("thing", identity, compute)
        assert arrays["x"].tolist() == [0, 1, 2]
        assert arrays["note"].tolist() == ["ä"]
    assert len(made) == 2
    entries = sorted((tmp_path / "analognas").iterdir())
    assert len(entries) == 2
    entries[0].write_bytes(entries[0].read_bytes()[:50])
    entries[1].write_bytes(b"")
    for identity in ({"a": 1}, {"a": 2}):
        assert cached("thing", identity, compute)["x"].tolist() == [0, 1, 2]
    assert len(made) == 4
    assert len(list((tmp_path / "analognas").iterdir())) == 2


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path, monkeypatch) -> None:
    (tmp_path / "analognas").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached("thing", {}, lambda: {"x": np.zeros(2)})["x"].shape == (2,)


def test_a_changed_file_is_another_file(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    before = file_identity([path], tmp_path)
    path.write_text("three")
    assert file_identity([path], tmp_path) != before
