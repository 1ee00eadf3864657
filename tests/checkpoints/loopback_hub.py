"""A hub on the loopback address: the few routes that huggingface_hub asks, over folders that a test fills."""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".pth", ".npz")       # stored apart, under their SHA-256, as Git LFS does


@dataclass
class Repository:
    """Its commits, each with the content of every file, and the commit of every branch and tag."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    gated: bool = False


@dataclass
class Request:
    """What was asked. reached: the "hub" or the "store" of large files, which is another host to a client."""

    method: str
    path: str
    reached: str
    token: str | None
    range: str | None


class LoopbackHub(ThreadingHTTPServer):
    """Serves `repositories` from `with` until the end of the block.

    requests: all that came in. status: by method and the beginning of a path, an answer in place of the right one.
    cuts: how many answers with a large file still end in the middle. false_bytes: large files of right length come with
    other bytes. ranges: whether a part of a file can be asked for. told: headers in place of the right ones.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.status: dict[tuple[str, str], int] = {}
        self.cuts, self.false_bytes, self.ranges = 0, False, True
        self.told: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""

    def commit(self, name: str, folder: Path, *revisions: str) -> str:
        """Add the files of a folder to a repository as a commit, which `main` and other revisions then are."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
                 if path.is_file()}
        sha = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        repository = self.repositories.setdefault(name, Repository())
        repository.commits[sha] = files
        repository.revisions.update(dict.fromkeys(("main", *revisions), sha))
        return sha

    def asked(self, method: str, beginning: str = "/") -> list[str]:
        """The paths that were asked for by this method."""
        return [each.path for each in self.requests if each.method == method and each.path.startswith(beginning)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Nothing is printed."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urlsplit(self.path).path
        reached = "hub" if self.headers["Host"].startswith("127.") else "store"
        self.server.requests.append(Request(self.command, path, reached, self.headers["Authorization"],
                                            self.headers["Range"]))
        for (method, beginning), code in self.server.status.items():
            if method == self.command and path.startswith(beginning):
                self.answer(code)
                return
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self.tell(found[1], found[2] and unquote(found[2]))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self.resolve(*map(unquote, found.groups()))
        elif found := re.fullmatch(r"/store/([0-9a-f]{64})", path):
            self.send_large(found[1])
        else:
            self.answer(404)

    def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in (headers | self.server.told).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """(commit, its files), or None once the refusal was sent."""
        repository = self.server.repositories.get(name)
        if repository is None:
            self.answer(401, X_Error_Code="RepoNotFound")            # 401, as for a private one
            return None
        sha = repository.revisions.get(revision, revision)
        if sha not in repository.commits:
            self.answer(404, X_Error_Code="RevisionNotFound")
            return None
        return sha, repository.commits[sha]

    def tell(self, name: str, revision: str | None) -> None:
        found = self.files(name, revision or "main")
        if found:
            told = {"id": name, "sha": found[0], "siblings": [{"rfilename": file} for file in found[1]]}
            self.answer(200, json.dumps(told).encode(), Content_Type="application/json")

    def resolve(self, name: str, revision: str, file: str) -> None:
        found = self.files(name, revision)
        if not found:
            return
        sha, files = found
        if self.server.repositories[name].gated and self.headers["Authorization"] != "Bearer good":
            self.answer(403 if self.headers["Authorization"] else 401, X_Error_Code="GatedRepo")
        elif file not in files:
            self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
        elif file.endswith(LARGE):
            digest = hashlib.sha256(files[file]).hexdigest()
            self.answer(302, Location=f"http://localhost:{self.server.server_port}/store/{digest}", X_Repo_Commit=sha,
                        X_Linked_Etag=f'"{digest}"', X_Linked_Size=str(len(files[file])), ETag=f'"{sha}"')
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(files[file]) + files[file]).hexdigest()
            self.answer(200, files[file], X_Repo_Commit=sha, ETag=f'"{digest}"')

    def send_large(self, digest: str) -> None:
        contents = [content for repository in self.server.repositories.values()
                    for files in repository.commits.values() for content in files.values()]
        body = next(content for content in contents if hashlib.sha256(content).hexdigest() == digest)
        if self.server.false_bytes:
            body = body[:-8] + b"\0" * 8
        start, headers = 0, {"ETag": f'"{digest}"'}
        if self.server.ranges and self.headers["Range"]:
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if self.server.cuts and self.command == "GET":
            self.server.cuts -= 1
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:start + (len(body) - start) // 2])
            self.close_connection = True
            return
        self.answer(206 if start else 200, body[start:], **headers)
