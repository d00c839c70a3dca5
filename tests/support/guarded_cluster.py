"""A manager and two workers as processes whose tokens are in files, which a test may change."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from restartable_cluster import PATIENCE, free_ports, wait_until
from ufora_core.settings import LOOPBACK, ManagerSettings, WorkerSettings
from ufora_core.tokens import TokenPair


class TokenFolder:
    """What a process finds where its token files are, as Kubernetes mounts a Secret."""

    def __init__(self, folder: Path, tokens: TokenPair) -> None:
        folder.mkdir(parents=True)
        self.token, self.second = folder / "token", folder / "second-token"
        self.write(tokens)

    def write(self, tokens: TokenPair) -> None:
        for file, content in ((self.token, tokens.token), (self.second, tokens.second)):
            fresh = file.with_suffix(".fresh")
            fresh.write_text(content or "")
            fresh.replace(file)


class GuardedCluster:
    """Two workers with one executor each; every peer of the manager needs the token."""

    def __init__(self, folder: Path, token: str) -> None:
        self._folder = folder
        self.tokens = TokenPair(token)
        self._web_port, self.registry_port = free_ports(2)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folders: dict[str, TokenFolder] = {}

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._web_port}"

    def __enter__(self) -> Self:
        self._start_manager()
        for number in range(2):
            self.start_worker(f"worker-{number}", self.tokens)
        wait_until(lambda: len(self.workers()) == 2, "two workers are there")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in list(self._processes):
            self.stop(name)

    def stop(self, name: str) -> None:
        """End a process, at once."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(PATIENCE)

    def write(self, tokens: TokenPair) -> None:
        """Give every process these tokens; each finds them within a second or so."""
        self.tokens = tokens
        for folder in self._folders.values():
            folder.write(tokens)

    def folder_of(self, name: str) -> TokenFolder:
        """The token files of one process."""
        return self._folders[name]

    def alive(self, name: str) -> bool:
        """Whether this process still runs."""
        return self._processes[name].poll() is None

    def log(self, name: str) -> str:
        """All that a process has logged."""
        return (self._folder / f"{name}.log").read_text()

    def state(self) -> dict[str, Any]:
        """The cluster as the manager describes it."""
        headers = {"Authorization": f"Bearer {self.tokens.token}"}
        asked = urllib.request.Request(f"{self.url}/api/v1/cluster", headers=headers)
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def workers(self) -> dict[str, dict[str, Any]]:
        """The registered workers, by name; none while the manager takes no request."""
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return {each["name"]: each for each in self.state()["workers"]}
        return {}

    def start_worker(self, name: str, tokens: TokenPair) -> None:
        folder = self._folders[name] = TokenFolder(self._folder / f"{name}-auth", tokens)
        settings = WorkerSettings(
            manager_address=LOOPBACK,
            manager_port=self.registry_port,
            own_address=LOOPBACK,
            base_port=0,
            bind_address=LOOPBACK,
            name=name,
            executors=1,
            data_dir=self._folder / name,
            token_file=folder.token,
            second_token_file=folder.second,
        )
        self._start("ufora_worker", name, settings.to_env())

    def _start_manager(self) -> None:
        folder = self._folders["manager"] = TokenFolder(self._folder / "manager-auth", self.tokens)
        settings = ManagerSettings(
            web_port=self._web_port,
            registry_port=self.registry_port,
            bind_address=LOOPBACK,
            data_dir=self._folder / "manager",
            no_worker=True,
            token_file=folder.token,
            second_token_file=folder.second,
            require_token="always",
        )
        self._start("ufora_manager", "manager", settings.to_env())

    def _start(self, module: str, name: str, env: dict[str, str]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
