"""Native code is made beside the loop, remembered by place, and never at the user's expense."""

import ast
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ufora_core.compiler.sites.rewriting import SiteKind, rewrite
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.native import compilation
from ufora_worker.native.attention import Attention
from ufora_worker.native.body import NativeItems
from ufora_worker.native.compilation import Compilation
from ufora_worker.native.history import WORTH_COMPILING_NS, History
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.service import Compiler, Location, NativeCode, Request
from ufora_worker.native.translate.site import translate
from ufora_worker.native.translate.unit import Translation

LOCATION = Location("prog.py", 7, 4)


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    compiler = Compiler(None)
    yield compiler
    compiler.close()


def doubled(count: int, factor: int = 2) -> Translation:
    tree = ast.parse("x = [n * factor for n in items]")
    [site] = rewrite(tree)
    scope = {"factor": factor}
    return translate(site, range(count), {}, scope, source_of=lambda code: None, filename="prog.py")


def served(compiler: Compiler, request: Request) -> Request:
    """The request once its thread is done with it."""
    compiler.submit(request)
    compiler.close()
    return request


def items_of(compiler: Compiler, request: Request) -> NativeItems:
    attention = Attention(Interrupts(lambda: False))
    return NativeItems(request, compiler, attention, SiteKind.LIST)


def test_a_request_gets_code_with_its_values_and_tells_whoever_waits(compiler: Compiler) -> None:
    told: list[NativeCode] = []
    request = served(compiler, Request(lambda: doubled(10), LOCATION, History(), told.append))
    assert request.code is not None and told == [request.code]
    assert list(request.code.words) == [2]
    assert request.history.was_made


def test_code_that_was_made_serves_other_values_at_once(compiler: Compiler) -> None:
    history = History()
    served(compiler, Request(lambda: doubled(1000), LOCATION, history))
    again = Request(lambda: doubled(900, factor=3), LOCATION, history)
    compiler.recall(again)
    assert again.code is not None and list(again.code.words) == [3]


def test_code_that_was_never_made_is_not_waited_for(compiler: Compiler) -> None:
    request = Request(lambda: doubled(10), LOCATION, History())
    compiler.recall(request)
    assert request.code is None
    served(compiler, Request(lambda: doubled(10), LOCATION, History()))
    other = Request(lambda: doubled(10, factor=2**40), LOCATION, History())
    compiler.recall(other)
    assert other.code is None and other.history.refusal is None


def test_a_loop_whose_code_is_not_there_any_more_is_translated_once(compiler: Compiler) -> None:
    compiler.prepare()
    assert compiler._preparing is not None
    compiler._preparing.join()
    translated: list[str] = []

    def translation() -> Translation:
        translated.append(threading.current_thread().name)
        return doubled(10)

    request = Request(translation, LOCATION, History())
    compiler.recall(request)
    assert request.code is None
    assert served(compiler, request).code is not None
    assert translated == [threading.current_thread().name]


def test_after_a_refusal_the_next_request_has_to_be_worth_more(compiler: Compiler) -> None:
    def refuse() -> Any:
        raise Refused(Refusal("`open` has effects", "prog.py", 3))

    history = History(spent_ns=WORTH_COMPILING_NS)
    assert history.is_due
    served(compiler, Request(refuse, LOCATION, history))
    assert history.refusal == Refusal("`open` has effects", "prog.py", 3)
    history.spent_ns += WORTH_COMPILING_NS
    assert not history.is_due
    history.spent_ns += 7 * WORTH_COMPILING_NS
    assert history.is_due


def test_a_mistake_of_the_compiler_is_a_refusal_that_says_what_to_do(
    compiler: Compiler, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise KeyError("no such type")

    with caplog.at_level(logging.ERROR):
        request = served(compiler, Request(fail, LOCATION, History()))
    refusal = request.history.refusal
    assert refusal is not None and (refusal.filename, refusal.line) == ("prog.py", 7)
    assert "KeyError: 'no such type'" in refusal.message
    assert "UFORA_NATIVE=0" in refusal.message
    assert "prog.py:7" in caplog.text


def test_requests_are_served_in_order_in_a_thread_of_their_own(compiler: Compiler) -> None:
    threads: list[str] = []

    def note() -> Translation:
        threads.append(threading.current_thread().name)
        return doubled(10)

    requests = [Request(note, LOCATION, History()) for _ in range(3)]
    for each in requests:
        compiler.submit(each)
    compiler.close()
    assert threads == ["ufora-compiler"] * 3
    assert all(each.code is not None for each in requests)


def test_a_compiler_gets_ready_before_anybody_asks_and_leaves_no_thread(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    before = threading.active_count()
    monkeypatch.setattr(
        compilation, "load_llvm", lambda: threads.append(threading.current_thread().name)
    )
    compiler.prepare()
    assert compiler._preparing is not None
    compiler._preparing.join()
    assert threading.active_count() == before
    request = served(compiler, Request(lambda: doubled(10), LOCATION, History()))
    assert threads == ["ufora-loader"]
    assert request.code is not None


def test_a_compiler_that_was_not_told_to_get_ready_does_so_when_it_is_asked(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    monkeypatch.setattr(
        compilation, "load_llvm", lambda: threads.append(threading.current_thread().name)
    )
    served(compiler, Request(lambda: doubled(10), LOCATION, History()))
    assert threads == ["ufora-compiler"]


def test_what_cannot_be_made_ready_is_a_matter_of_those_who_need_it(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(compilation, "load_llvm", fail)
    assert served(compiler, Request(lambda: doubled(10), LOCATION, History())).code is not None


def test_a_request_has_passed_when_llvm_has_it(tmp_path: Path) -> None:
    noted: list[str] = []
    Compilation(tmp_path).compile(lambda: doubled(10), lambda: noted.append("LLVM"))
    assert noted == ["LLVM"]
    Compilation(tmp_path).compile(lambda: doubled(10), lambda: noted.append("again"))
    assert noted == ["LLVM"], "the object was there"


def test_a_request_has_passed_when_it_is_refused(compiler: Compiler) -> None:
    def refuse() -> Any:
        raise Refused(Refusal("`open` has effects", "prog.py", 3))

    assert served(compiler, Request(refuse, LOCATION, History())).passed.is_set()


def test_a_loop_stands_still_until_its_request_has_passed(compiler: Compiler) -> None:
    class Passing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            compiler.close()
            return super().wait(timeout)

    request = Request(lambda: doubled(10), LOCATION, History(worth_ns=0), passed=Passing())
    items = items_of(compiler, request)
    items.prepare(0)
    assert items.ready(0)


def test_while_a_request_of_a_place_is_served_other_loops_of_it_ask_for_nothing(
    compiler: Compiler,
) -> None:
    history, asked = History(worth_ns=0), list[int]()

    def translating(number: int) -> Request:
        def translate() -> Translation:
            asked.append(number)
            others.prepare(0)
            return doubled(10)

        return Request(translate, LOCATION, history)

    first, others = translating(1), items_of(compiler, translating(2))
    items_of(compiler, first).prepare(0)
    compiler.close()
    assert asked == [1]


def test_nobody_waits_for_a_request_behind_another_one(compiler: Compiler) -> None:
    second = Request(lambda: doubled(10), LOCATION, History())

    def translate() -> Translation:
        compiler.submit(second)
        behind.append(second.passed.is_set())
        return doubled(10)

    behind: list[bool] = []
    served(compiler, Request(translate, LOCATION, History()))
    assert behind == [True]


def test_an_llvmlite_that_cannot_be_loaded_is_no_fault_of_the_compiler(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unloadable(*_: object) -> NativeCode:
        raise OSError("libllvmlite.so: file too short")

    monkeypatch.setattr(Compilation, "compile", unloadable)
    request = served(compiler, Request(lambda: doubled(10), LOCATION, History(), lambda code: None))
    assert request.code is None
    refusal = request.history.refusal
    assert refusal is not None and (refusal.filename, refusal.line) == ("prog.py", 7)
    assert "llvmlite cannot be loaded (OSError: libllvmlite.so: file too short)" in refusal.message
    assert "report" not in refusal.message
    assert refusal.edit == "pip install --force-reinstall llvmlite"
    assert refusal.message in caplog.text
