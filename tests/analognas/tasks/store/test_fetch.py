"""Downloads from a server on this machine that breaks off, starts again, refuses and lies."""

import dataclasses
import fcntl
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analognas.cli.main import app
from analognas.errors import UserError
from analognas.tasks.store import sources
from analognas.tasks.store.fetch import fetch
from analognas.tasks.store.sources import Download, Source

CONTENT = bytes(range(256)) * 4000


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `break_after` bytes of an answer the connection ends, unless None."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.break_after: int | None = None
        self.ranges = True
        self.status = 200
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def source(server: Server, sha256: str | None = None) -> Source:
    url = f"http://127.0.0.1:{server.server_address[1]}/some.bin"
    digest = sha256 or hashlib.sha256(CONTENT).hexdigest()
    return Source("some", "bytes", "none", (Download(url, "some.bin", len(CONTENT), digest),))


def silent(*_: object) -> None:
    pass


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_is_not_fetched_twice(server, tmp_path) -> None:
    told: list[tuple[int, int]] = []
    (path,) = fetch(source(server), tmp_path / "some", lambda _, done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    fetch(source(server), tmp_path / "some", silent)
    assert len(server.asked) == 1
    assert names(tmp_path / "some") == ["some.bin"]


def test_a_download_that_breaks_off_goes_on_where_it_was(server, tmp_path) -> None:
    server.break_after = 400_000
    fetch(source(server), tmp_path, silent)
    assert (tmp_path / "some.bin").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-", "bytes=800000-"]


def test_what_has_arrived_is_kept_for_the_next_command(server, tmp_path) -> None:
    server.break_after = 100_000
    with pytest.raises(UserError, match=r"300,000 bytes are kept, the same command goes on"):
        fetch(source(server), tmp_path, silent)
    assert names(tmp_path) == ["some.bin.part"]
    server.break_after = None
    fetch(source(server), tmp_path, silent)
    assert (tmp_path / "some.bin").read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=300000-"


def test_a_server_without_ranges_starts_again(server, tmp_path) -> None:
    (tmp_path / "some.bin.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    fetch(source(server), tmp_path, silent)
    assert (tmp_path / "some.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(server, tmp_path) -> None:
    with pytest.raises(UserError, match=r"has the SHA-256 .*, expected 000000000000…; it was removed"):
        fetch(source(server, "0" * 64), tmp_path, silent)
    assert names(tmp_path) == []


def test_one_process_at_a_time_fetches_a_file(server, tmp_path) -> None:
    (tmp_path / "some.bin.part").write_bytes(CONTENT[:1000])
    with (tmp_path / "some.bin.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=r"some.bin.part: another process is fetching this file; wait"):
            fetch(source(server), tmp_path, silent)
    assert names(tmp_path) == ["some.bin.part"]
    assert fetch(source(server), tmp_path, silent)[0].read_bytes() == CONTENT
    assert names(tmp_path) == ["some.bin"]


def test_another_file_of_that_name_is_not_replaced(server, tmp_path) -> None:
    (tmp_path / "some.bin").write_bytes(b"mine")
    with pytest.raises(UserError, match="is there already with another content"):
        fetch(source(server), tmp_path, silent)
    assert (tmp_path / "some.bin").read_bytes() == b"mine"


def test_a_refusal_says_where_the_file_belongs(server, tmp_path) -> None:
    server.status = 404
    with pytest.raises(UserError, match=rf"the server answered 404 .*put some.bin into {tmp_path}"):
        fetch(source(server), tmp_path, silent)
    assert names(tmp_path) == []


def test_every_file_that_is_lacking_is_named_not_the_first_alone(server, tmp_path) -> None:
    (first,) = source(server).downloads
    files = ("a.bin", "b.bin", "c.bin")
    several = Source("some", "bytes", "none", tuple(dataclasses.replace(first, file=file) for file in files))
    fetch(dataclasses.replace(several, downloads=several.downloads[:1]), tmp_path, silent)
    server.status = 503
    with pytest.raises(UserError, match=rf"answered 503 .*, put b.bin, c.bin into {tmp_path}"):
        fetch(several, tmp_path, silent)


def test_without_a_network_the_command_says_what_to_do_and_exits_with_2(
    server, tmp_path, monkeypatch
) -> None:
    lost = source(server)
    server.server_close()
    monkeypatch.setattr(sources, "SOURCES", {"some": lost})
    done = CliRunner().invoke(app, ["data", "fetch", "some", "--to", str(tmp_path)])
    assert done.exit_code == 2
    assert "cannot be downloaded" in done.stderr
    assert f"put some.bin into {tmp_path / 'some'}" in done.stderr
    assert names(tmp_path / "some") == []


def test_the_command_fetches_shows_the_licence_and_knows_names(server, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", {"some": source(server)})
    done = CliRunner().invoke(app, ["data", "fetch", "some", "--to", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    assert "licence: none" in done.stderr
    assert done.stdout.strip() == str(tmp_path / "some" / "some.bin")
    wrong = CliRunner().invoke(app, ["data", "fetch", "sume"])
    assert wrong.exit_code == 2
    assert "unknown data set 'sume', did you mean `some`?" in wrong.stderr


def test_the_list_tells_where_a_copy_is(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ANALOGNAS_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert "the copy of" not in CliRunner().invoke(app, ["data", "list"]).stdout
    copy = tmp_path / "fsdd" / "fsdd_8khz.npz"
    copy.parent.mkdir()
    copy.touch()
    assert f"the copy of fsdd is {copy}\n" in CliRunner().invoke(app, ["data", "list"]).stdout


def test_every_source_is_complete_and_nothing_is_asked_of_a_network_to_list_them() -> None:
    listed = CliRunner().invoke(app, ["data", "list"])
    assert listed.exit_code == 0
    for name, entry in sources.SOURCES.items():
        assert name in listed.stdout
        assert entry.licence in listed.stdout
        for download in entry.downloads:
            assert len(download.sha256) == 64
            assert download.size > 1000
            assert download.url.endswith(download.file) or name == "fsdd"
