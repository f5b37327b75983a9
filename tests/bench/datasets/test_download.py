"""Downloads against a server on loopback that misbehaves in each of the ways servers do."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from waiting import until

import bench.datasets.download
from bench.datasets.download import download
from repair.errors import InputError

CONTENT = np.random.default_rng(0).bytes(1_500_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


@dataclass
class Server:
    """Serves CONTENT at /whole and in a broken way at any other path; remembers the requests."""

    address: str
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def url(self, behaviour: str) -> str:
        return f"{self.address}/{behaviour}"

    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.requests]


def answer(server: Server, handler: BaseHTTPRequestHandler) -> None:
    behaviour, asked = handler.path[1:], handler.headers.get("Range")
    first = behaviour not in [seen for seen, _ in server.requests]
    server.requests.append((behaviour, asked))
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    if behaviour == "refuses":
        return handler.send_error(503)
    if behaviour == "shorter" and asked:
        return handler.send_error(416)
    if behaviour == "ignores-range":
        start = 0
    content = CONTENT[start:]
    if behaviour == "corrupts" or (behaviour == "corrupts-once" and first):
        content = bytes([content[0] ^ 1]) + content[1:]
    if behaviour == "too-long":
        content += b"more"
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(content)))
    if behaviour == "calls-it-an-encoding":
        handler.send_header("Content-Encoding", "gzip")
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
    handler.end_headers()
    if behaviour == "truncates":
        content = content[: HALF // 2]
    if behaviour == "stalls" and first:
        handler.wfile.write(content[:HALF])
        handler.wfile.flush()
        server.gate.wait(30)
        return None
    handler.wfile.write(content)
    return None


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(found, self)
            self.close_connection = True

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass  # a client that was killed or that hung up is what these tests are about

    with Quiet(("127.0.0.1", 0), Handler) as http:
        found = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield found
        found.gate.set()
        http.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "cache" / "file.gz"


def get(server: Server, target: Path, *behaviours: str, size: int | None = len(CONTENT)) -> Path:
    return download([server.url(b) for b in behaviours], target, digest=DIGEST, size=size)


@pytest.mark.parametrize("size", [len(CONTENT), None])
@pytest.mark.parametrize(
    "behaviour", ["whole", "truncates", "corrupts-once", "calls-it-an-encoding"]
)
def test_the_file_arrives_whole(server, target, behaviour, size):
    mirrors = [behaviour, behaviour] if behaviour == "corrupts-once" else [behaviour]
    assert get(server, target, *mirrors, size=size).read_bytes() == CONTENT
    assert sorted(p.name for p in target.parent.iterdir()) == ["file.gz", "file.gz.lock"]


def test_each_cut_is_continued_where_it_was(server, target):
    get(server, target, "truncates")
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in server.ranges()[1:]]
    assert starts == [HALF // 2, HALF // 2 * 2, HALF // 2 * 3]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("refuses", "HTTP 503"),
        ("corrupts", "wrong checksum"),
        ("too-long", "more than the expected 1,500,000 bytes"),
    ],
)
def test_a_useless_mirror_is_named_and_the_next_one_used(server, target, behaviour, reason):
    with pytest.raises(InputError, match=reason) as error:
        get(server, target, behaviour)
    assert server.url(behaviour) in str(error.value)
    assert not target.exists()
    assert get(server, target, behaviour, "whole").read_bytes() == CONTENT


def test_nobody_answers(target):
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9/file: no connection"):
        download(["http://127.0.0.1:9/file"], target, digest=DIGEST, size=1)


@pytest.mark.parametrize("behaviour", ["whole", "ignores-range", "shorter"])
@pytest.mark.parametrize("rest", [CONTENT[:HALF], b"\0" * HALF, CONTENT, b"\0" * len(CONTENT)])
def test_the_rest_of_an_earlier_download_is_used_if_it_fits(server, target, behaviour, rest):
    target.parent.mkdir()
    target.with_name("file.gz.part").write_bytes(rest)
    assert get(server, target, behaviour).read_bytes() == CONTENT
    if rest == CONTENT:
        assert server.requests == []
    elif behaviour == "whole" and rest == CONTENT[:HALF]:
        assert server.ranges() == [f"bytes={HALF}-"]


def test_a_silent_server_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(bench.datasets.download, "SILENCE_SECONDS", 0.2)
    assert get(server, target, "stalls").read_bytes() == CONTENT
    first, second = server.ranges()
    assert first is None
    assert second.startswith("bytes=")


def test_a_finished_file_is_not_fetched_again_and_a_damaged_one_is(server, target):
    get(server, target, "whole")
    get(server, target, "whole")
    assert len(server.requests) == 1
    target.write_bytes(b"damaged")
    assert get(server, target, "whole").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot store the download"):
        get(server, tmp_path / "cache" / "file.gz", "whole")


def start(server: Server, target: Path, behaviour: str) -> subprocess.Popen:
    call = "import sys; from pathlib import Path; from bench.datasets.download import download; "
    call += "download([sys.argv[1]], Path(sys.argv[2]), digest=sys.argv[3], size=int(sys.argv[4]))"
    arguments = [server.url(behaviour), str(target), DIGEST, str(len(CONTENT))]
    return subprocess.Popen(
        [sys.executable, "-c", call, *arguments], stderr=subprocess.PIPE, text=True
    )


def test_killed_in_the_middle_then_continued(server, target):
    part = target.with_name("file.gz.part")
    with start(server, target, "stalls") as process:
        until(lambda: part.is_file() and part.stat().st_size > HALF // 2)
        os.kill(process.pid, signal.SIGKILL)
    present = part.stat().st_size
    assert not target.exists()
    assert get(server, target, "stalls").read_bytes() == CONTENT
    assert server.ranges() == [None, f"bytes={present}-"]


def test_two_processes_download_once(server, target):
    """The second waits while the first is held in the middle; then both find the file."""
    with start(server, target, "stalls") as first:
        until(lambda: server.requests)
        with start(server, target, "stalls") as second:
            assert "waiting" in second.stderr.readline()
            server.gate.set()
            assert (first.wait(60), second.wait(60)) == (0, 0)
            assert "100%" in first.stderr.read()
    assert target.read_bytes() == CONTENT
    first_asked, continued = server.ranges()
    assert first_asked is None
    assert continued.startswith("bytes=")
