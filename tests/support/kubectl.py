"""kubectl for tests: any cluster, the current context, and nothing but what kubectl can do."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds between two looks at something that is waited for.
LOOK_EVERY = 0.5


class KubectlError(Exception):
    """A command failed; the text is what it said on stderr."""


class Kubectl:
    """kubectl in one namespace (or in none)."""

    def __init__(self, namespace: str | None = None) -> None:
        self.namespace = namespace

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run a command and return its output; raises KubectlError."""
        done = subprocess.run(
            self._command(args), input=stdin, capture_output=True, text=True, timeout=timeout
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def json(self, *args: str) -> Any:
        """The output of a command as JSON."""
        return json.loads(self(*args, "--output=json"))

    def find(self, *args: str) -> Any | None:
        """An object, or None when it is not there."""
        text = self("get", *args, "--ignore-not-found", "--output=json")
        return json.loads(text) if text.strip() else None

    def items(self, kind: str, selector: str = "") -> list[Any]:
        """The objects of a kind, by name."""
        listed = self.json("get", kind, *([f"--selector={selector}"] if selector else []))
        return sorted(listed["items"], key=lambda each: str(each["metadata"]["name"]))

    def apply(self, *manifests: Any) -> str:
        """Apply manifests."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        return self("apply", "--filename=-", stdin=json.dumps(document))

    def patch(self, kind: str, name: str, patch: Any, *args: str) -> str:
        """Apply a JSON merge patch."""
        return self("patch", kind, name, "--type=merge", f"--patch={json.dumps(patch)}", *args)

    def execute(self, pod: str, *command: str, timeout: float = 60) -> str:
        """The output of a command in a pod."""
        return self("exec", pod, "--", *command, timeout=timeout)

    @contextmanager
    def port_forward(self, target: str, port: int, local: int = 0) -> Iterator[int]:
        """A port of this machine that leads to a pod or service; 0: a free one."""
        command = self._command(("port-forward", target, f"{local or ''}:{port}"))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None and process.stderr is not None
                line = process.stdout.readline().decode()
                found = re.search(r":(\d+) ->", line)
                if found is None:
                    process.terminate()
                    raise KubectlError(process.stderr.read().decode().strip())
                yield int(found[1])
            finally:
                process.terminate()

    def _command(self, args: Sequence[str]) -> list[str]:
        return ["kubectl", *([f"--namespace={self.namespace}"] if self.namespace else []), *args]


def eventually(
    what: str, probe: Callable[[], T | None], seconds: float, show: Callable[[], object] = str
) -> T:
    """What ``probe`` gives as soon as it is true; fails after so many seconds with what ``show``
    gives. A probe may raise KubectlError: the API server may be busy."""
    end = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            last = probe()
            if last:
                return last
        except KubectlError as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what} (last: {last})\n{show()}")
        time.sleep(LOOK_EVERY)
