"""The manager: everything wired together, from its start to its end."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import zmq
from aiohttp import web

from ufora_core import __version__
from ufora_core.errors import StoreError
from ufora_core.lifeline import Lifeline
from ufora_core.protocol.worker import ToWorker, Welcome
from ufora_core.settings import ManagerSettings
from ufora_core.sockets import PortTaken
from ufora_core.store import ObjectStore
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens
from ufora_manager.access import Access
from ufora_manager.administration import Administration
from ufora_manager.bookkeeping import Bookkeeper
from ufora_manager.complaints import LibraryComplaints, quiet_logger
from ufora_manager.data_folder import locked, object_store
from ufora_manager.data_links import DataLinks
from ufora_manager.driver import Driver
from ufora_manager.errors import StartError
from ufora_manager.front_end import FrontEnd
from ufora_manager.http import Answers, add_routes, guard
from ufora_manager.object_access import ObjectAccess
from ufora_manager.placements import Placements
from ufora_manager.registry_socket import Registry, at_once
from ufora_manager.rescues import Rescues
from ufora_manager.restart import begin, keep_for_a_while
from ufora_manager.scheduler.events import ManagerStopping
from ufora_manager.scheduler.restoring import FIRST_HOLD, fresh
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import State
from ufora_manager.token_files import follow
from ufora_manager.worker_process import WorkerProcess, worker_environment

log = logging.getLogger(__name__)

#: Bytes of a request's body that are read ahead: enough that the socket never waits for the disk.
_READ_AHEAD = 4 * 1024 * 1024
#: Longest body that is read as a whole: a list of some hundred thousand digests.
_LONGEST_BODY = 16 * 1024 * 1024
#: Seconds that requests under way get when the manager stops, and their connections once more.
_LAST_REQUESTS = 0.25


@dataclass(frozen=True, slots=True)
class Running:
    """A manager with open ports."""

    web_port: int
    registry_port: int
    scheduler: Scheduler


async def serve(settings: ManagerSettings, environment: Mapping[str, str]) -> None:
    """Run a manager, and a worker beside it, until a signal or the lifeline ends them.

    ``environment`` is what the worker inherits.

    Raises:
        StartError: a port or the data folder cannot be used; the message says what to do.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        lifeline = None
        if settings.lifeline is not None:
            lifeline = Lifeline(settings.lifeline, stop.set)
            stack.callback(lifeline.close)
        manager = await stack.enter_async_context(running(settings))
        if not settings.no_worker:
            await _start_worker(stack, settings, manager.registry_port, environment)
        if lifeline is not None:
            ports = {"web_port": manager.web_port, "registry_port": manager.registry_port}
            loop.add_reader(lifeline.fileno(), lifeline.read)
            lifeline.announce(ports)
        await stop.wait()
        if lifeline is not None:
            loop.remove_reader(lifeline.fileno())
        log.info("stopping")


@asynccontextmanager
async def running(settings: ManagerSettings, *, hold: float = FIRST_HOLD) -> AsyncIterator[Running]:
    """A manager without a worker beside it; its ports are open inside the ``async with``.

    One with a lifeline belongs to the process at its other end, and all jobs end with it. Any other
    may be started again, so it keeps a journal, and its jobs wait there for the next manager. One
    that finds no journal places no root for ``hold`` seconds: whoever lost it may have workers.
    """
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(locked(settings.data_dir))
        state, books = _recall(stack, folder, settings, hold)
        store = object_store(folder)
        keep_for_a_while(state, store, loop.time())
        proof = secrets.token_hex(16)
        store.prove(proof)
        context = stack.enter_context(zmq.Context())
        strangers = Strangers()
        tokens = Tokens(settings.token_source)
        scheduler = Scheduler(state)
        driver = Driver(loop, scheduler)
        name = f"manager-{secrets.token_hex(4)}"
        links = DataLinks(context, tokens, store, manager=name, strangers=strangers)
        stack.callback(links.close)
        registry = Registry(
            loop,
            context,
            tokens,
            _welcome(name, store, proof),
            driver.handle,
            strangers,
            books.after_written if books is not None else at_once,
        )
        stack.callback(registry.close)
        objects = ObjectAccess(
            store, links, makers=scheduler.workers_with, address=registry.address
        )
        placements = Placements(registry, objects, driver.handle)
        stack.push_async_callback(placements.close)
        rescues = Rescues(objects, driver.handle)
        stack.push_async_callback(rescues.close)
        front_end = FrontEnd(driver.handle, strangers)
        driver.connect(
            workers=_Workers(registry, links),
            clients=front_end,
            roots=placements,
            rescues=rescues,
            store=store,
            books=books,
        )
        stack.callback(driver.close)
        _bind_registry(registry, settings)
        stack.callback(follow(loop, tokens, registry.rekey))

        administration = Administration(
            loop,
            state,
            name,
            driver.handle,
            books=books,
            tokens=lambda: tokens.current.fingerprints,
        )
        answers = Answers(
            objects, driver.announce, administration, lambda: _unready(registry, store), proof
        )
        runner = _web_runner(settings, tokens, answers, front_end, strangers)
        stack.push_async_callback(runner.cleanup)
        web_port = await _open_web_port(runner, settings)
        stack.push_async_callback(front_end.close)
        if books is None:
            stack.callback(lambda: driver.handle(ManagerStopping(loop.time())))
        log.info(
            "manager %s listens on port %d, workers on %d", __version__, web_port, registry.port
        )
        yield Running(web_port, registry.port, scheduler)


def _recall(
    stack: AsyncExitStack, folder: Path, settings: ManagerSettings, hold: float
) -> tuple[State, Bookkeeper | None]:
    """The first state, and who writes down what becomes of it."""
    loop = asyncio.get_running_loop()
    if settings.lifeline is not None:
        return fresh(loop.time()), None
    ahead = time.time() - loop.time()
    beginning = begin(folder / "journal.db", loop.time(), ahead, hold)
    books = Bookkeeper(loop, beginning, ahead)
    stack.push_async_callback(books.close)
    return beginning.state, books


class _Workers:
    """The workers' two ports as one: who leaves the registry loses its data link too."""

    def __init__(self, registry: Registry, links: DataLinks) -> None:
        self._registry = registry
        self._links = links

    def send(self, worker: str, message: ToWorker) -> None:
        self._registry.send(worker, message)

    def drop(self, worker: str) -> None:
        self._registry.drop(worker)
        self._links.drop(worker)


def _welcome(name: str, store: ObjectStore, proof: str) -> Welcome:
    directory = str(store.directory.resolve())
    return Welcome(release=__version__, manager=name, store_path=directory, store_proof=proof)


def _bind_registry(registry: Registry, settings: ManagerSettings) -> None:
    try:
        registry.bind(settings.registry_bind, settings.registry_port)
    except PortTaken as error:
        raise StartError(str(error)) from None


def _unready(registry: Registry, store: ObjectStore) -> str | None:
    if not registry.bound:
        return "the registry port is not open"
    try:
        ObjectStore(store.directory)  # writes a file to see that it can
    except StoreError as error:
        return str(error)
    return None


def _web_runner(
    settings: ManagerSettings,
    tokens: Tokens,
    answers: Answers,
    front_end: FrontEnd,
    strangers: Strangers,
) -> web.AppRunner:
    access = Access(lambda: tokens.current.accepted, always=settings.require_token == "always")
    app = web.Application(middlewares=[guard(access)], client_max_size=_LONGEST_BODY)
    add_routes(app, answers)
    front_end.server.attach(app)
    complaints = LibraryComplaints(strangers, "bytes that are no HTTP")
    return web.AppRunner(
        app,
        access_log=None,
        logger=quiet_logger("http", complaints, logging.DEBUG),
        read_bufsize=_READ_AHEAD,
        shutdown_timeout=_LAST_REQUESTS,
    )


async def _open_web_port(runner: web.AppRunner, settings: ManagerSettings) -> int:
    host, port = settings.web_bind, settings.web_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StartError(
            f"cannot listen on {host}:{port}: {reason}; stop what uses the port, or choose another "
            "one with UFORA_WEB_HTTP_PORT"
        ) from None
    await runner.setup()
    await web.SockSite(runner, listener).start()
    bound: int = listener.getsockname()[1]
    return bound


async def _start_worker(
    stack: AsyncExitStack,
    settings: ManagerSettings,
    registry_port: int,
    environment: Mapping[str, str],
) -> None:
    if find_spec("ufora_worker") is None:
        log.warning(
            "no worker beside this manager: the package ufora-worker is not installed; set "
            "UFORA_NO_WORKER=1 if that is intended"
        )
        return
    worker = WorkerProcess(worker_environment(environment, settings, registry_port))
    worker.start()
    stack.push_async_callback(worker.stop)
