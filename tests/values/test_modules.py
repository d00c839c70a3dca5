"""Installed modules travel by name, the user's own as far as they are reached."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ufora_core.errors import MissingPackageError, ValueGraphError
from ufora_core.values import modules, nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.finder import source_text_of
from ufora_core.values.importing import importable
from ufora_core.values.nodes import Graph, Namespace, Ref

Copy = Callable[[object], Any]
Project = Callable[..., None]


def functions_of(text: str, **variables: Any) -> types.SimpleNamespace:
    scope = {"__name__": "user_main", **variables}
    exec(text, scope)
    return types.SimpleNamespace(**{k: v for k, v in scope.items() if k != "__builtins__"})


def forget(*names: str) -> None:
    for name in names:
        sys.modules.pop(name, None)


def encoded(value: object) -> tuple[Graph, Decoder, Any]:
    encoder = Encoder()
    item = encoder.item(value)
    graph = encoder.graph()
    blobs = encoder.blobs
    decoder = Decoder(graph, lambda digest: bytearray(blobs[digest]))
    return graph, decoder, item


def names_of(graph: Graph, module: str) -> set[str]:
    [found] = [n for n in graph.nodes if isinstance(n, Namespace) and n.module == module]
    return set(found.names)


@pytest.mark.parametrize("name", ["json", "sys", "math", "numpy", "msgspec", "ufora_core.values"])
def test_installed_modules_are_told_from_the_users(name: str) -> None:
    importlib.import_module(name)
    assert modules.is_installed(name)


def test_main_and_made_up_modules_are_the_users() -> None:
    assert not modules.is_installed("__main__")
    assert not modules.is_installed("never_imported")
    assert not modules.is_installed_module(types.ModuleType("made"))


def test_only_what_is_reached_of_a_module_travels(copy: Copy, project: Project) -> None:
    project(
        toolbox="import json\nscale = 2\nother = open\n\n\ndef area(x):\n    return x * scale\n\n\n"
        "def unused():\n    return json\n",
    )
    import toolbox  # type: ignore[import-not-found]

    f = functions_of("def f(x):\n    return toolbox.area(x)", toolbox=toolbox).f
    graph, decoder, item = encoded(f)
    assert names_of(graph, "toolbox") == {"area", "scale"}
    forget("toolbox")
    assert decoder.value(item)(4) == 8


def test_chains_go_through_packages_and_reassignment(copy: Copy, project: Project) -> None:
    project(pack__="level = 1\n", pack__inner="def deep():\n    return 'deep'\nrest = 5\n")
    import pack.inner  # type: ignore[import-not-found]

    f = functions_of("def f():\n    return pack.inner.deep(), pack.level", pack=pack).f
    graph, decoder, item = encoded(f)
    assert names_of(graph, "pack") == {"inner", "level"}
    assert names_of(graph, "pack.inner") == {"deep"}
    assert decoder.value(item)() == ("deep", 1)


def test_a_module_used_by_itself_brings_all_its_names(project: Project) -> None:
    project(whole="__secret__ = 1\n_private = 2\npublic = 3\n")
    import whole  # type: ignore[import-not-found]

    f = functions_of("def f(name):\n    return whole.public, getattr(whole, name)", whole=whole).f
    graph, decoder, item = encoded(f)
    assert {"_private", "public", "__file__"} <= names_of(graph, "whole")
    assert "__secret__" not in names_of(graph, "whole")
    copied = decoder.value(item)
    assert copied("_private") == (3, 2)
    assert len({id(m) for m in decoder.objects if isinstance(m, types.ModuleType)}) == 1


def test_modules_that_refer_to_each_other_arrive(project: Project) -> None:
    project(
        ping="import pong\n\n\ndef go(n):\n    return 'end' if n == 0 else pong.go(n - 1)\n",
        pong="import ping\n\n\ndef go(n):\n    return ping.go(n)\n",
    )
    import ping  # type: ignore[import-not-found]

    _, decoder, item = encoded(ping.go)
    assert decoder.value(item)(3) == "end"


def test_imports_inside_functions_find_modules_that_are_imported_here(project: Project) -> None:
    project(loaded="value = 10\n\n\ndef get():\n    return value\n")
    import loaded  # type: ignore[import-not-found]  # noqa: F401

    f = functions_of("def f():\n    import loaded\n    from loaded import get\n    return get()").f
    _, decoder, item = encoded(f)
    forget("loaded")
    with importable(decoder):
        assert decoder.value(item)() == 10
    assert "loaded" not in sys.modules


def test_imports_inside_functions_bring_modules_as_text(project: Project) -> None:
    project(
        outer__="from . import sibling\nfrom .sibling import number\n",
        outer__sibling="import third\nnumber = third.number + 1\n",
        third="number = 40\n",
        unrelated="number = 0\n",
    )
    f = functions_of("def f():\n    from outer.sibling import number as n\n    return n + 1").f
    graph, decoder, item = encoded(f)
    assert "outer" not in sys.modules
    texts = {node.name for node in graph.nodes if isinstance(node, nodes.ModuleSource)}
    assert texts == {"outer", "outer.sibling", "third"}
    project(third="raise ImportError('the file is not looked at')")
    finders = list(sys.meta_path)
    with importable(decoder):
        assert decoder.value(item)() == 42
        assert source_text_of(sys.modules["third"]) is not None
    assert not {"outer", "third"} & set(sys.modules)
    assert sys.meta_path == finders


def test_relative_imports_inside_functions_are_found(project: Project) -> None:
    project(
        family__="",
        family__one="def f():\n    from . import two\n    from .two import x\n    return x + two.x",
        family__two="x = 2\n",
    )
    import family.one  # type: ignore[import-not-found]

    _, decoder, item = encoded(family.one.f)
    forget("family", "family.one", "family.two")
    with importable(decoder):
        assert decoder.value(item)() == 4


def test_a_syntax_error_in_a_module_is_raised_by_its_import(
    project: Project, tmp_path: Any
) -> None:
    project(broken="x = 1\ny = = 2\n")
    f = functions_of("def f():\n    import broken").f
    _, decoder, item = encoded(f)
    with importable(decoder), pytest.raises(SyntaxError) as raised:
        decoder.value(item)()
    assert (raised.value.filename, raised.value.lineno) == (str(tmp_path / "broken.py"), 2)


def test_a_module_that_came_as_text_travels_on_as_text(project: Project) -> None:
    project(carried="def f():\n    return 'carried'\n")
    f = functions_of("def f():\n    import carried\n    return carried").f
    _, decoder, item = encoded(f)
    with importable(decoder):
        graph, again, item = encoded(decoder.value(item)())
    assert any(isinstance(node, nodes.ModuleSource) for node in graph.nodes)
    project(carried="raise ImportError('the file is not looked at')")
    with importable(again):
        assert again.value(item).f() == "carried"


def test_names_that_are_taken_are_given_back(project: Project) -> None:
    project(taken="x = 'client'\n")
    import taken  # type: ignore[import-not-found]

    _, decoder, item = encoded(taken)
    mine = sys.modules["taken"] = types.ModuleType("taken")
    with importable(decoder):
        assert sys.modules["taken"] is decoder.value(item)
    assert sys.modules["taken"] is mine


def test_global_names_that_claim_an_installed_name_do_not_hide_it() -> None:
    f = functions_of("def f():\n    return here", here=1, __name__="json").f
    _, decoder, item = encoded(f)
    json = sys.modules["json"]
    with importable(decoder):
        assert sys.modules["json"] is json
        assert decoder.value(item)() == 1


def test_a_missing_package_is_named_with_who_needs_it() -> None:
    f = functions_of("def f():\n    return json.dumps(1)", json=importlib.import_module("json")).f
    encoder = Encoder()
    item = encoder.item(f)
    renamed = [
        msgspec.structs.replace(node, module="no_such.part")
        if isinstance(node, nodes.Named)
        else node
        for node in encoder.graph().nodes
    ]
    with pytest.raises(MissingPackageError, match=r"'no_such'.*the name 'json'.*install it"):
        Decoder(Graph(renamed), lambda _: b"").value(item)
    absent = [
        msgspec.structs.replace(node, qualname="absent") if isinstance(node, nodes.Named) else node
        for node in encoder.graph().nodes
    ]
    with pytest.raises(MissingPackageError, match=r"json\.absent"):
        Decoder(Graph(absent), lambda _: b"").value(item)


def test_the_namespace_of_a_block_takes_what_its_code_reaches(project: Project) -> None:
    project(blockwise="x = 5\n", later="y = 6\n")
    import blockwise  # type: ignore[import-not-found]  # noqa: F401

    variables = {"__name__": "user", "a": 1, "b": 2, "helper": functions_of("def f(): return 1").f}
    encoder = Encoder()
    code = compile("import blockwise, later\na + helper()", "user.py", "exec")
    ref = encoder.namespace(variables, code)
    graph = encoder.graph()
    node = graph.nodes[ref.index]
    assert isinstance(node, Namespace) and set(node.names) == {"a", "helper"}
    decoder = Decoder(graph, lambda _: b"")
    scope = decoder.value(ref)
    with importable(decoder):
        exec(code, scope)
    assert (scope["blockwise"].x, scope["later"].y) == (5, 6)


def test_installed_global_names_are_used_where_they_are() -> None:
    import dataclasses

    inner = dataclasses.dataclass(order=True)  # a closure of an installed module
    graph, decoder, item = encoded(inner)
    assert not any(isinstance(node, Namespace) for node in graph.nodes)
    assert decoder.value(item).__globals__ is vars(dataclasses)


def test_global_names_met_as_a_dict_are_still_the_functions_own() -> None:
    scope = functions_of("def g():\n    return x\ndef f():\n    return g", x=1)
    variables = scope.g.__globals__
    _, decoder, item = encoded([variables, scope.g])
    names, function = decoder.value(item)
    names["x"] = 2
    assert function() == 2 and function.__globals__ is names


def test_a_ref_outside_of_the_graph_is_refused() -> None:
    for index in (-1, 1, 10**12):
        with pytest.raises(ValueGraphError, match="there is no node"):
            Decoder(Graph([nodes.List([Ref(index)])]), lambda _: b"").value(Ref(0))
