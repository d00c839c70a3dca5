"""Qualified names of functions, which tell where the code stands that made them."""

from types import CodeType


def requalified(code: CodeType, prefix: str, qualname: str) -> CodeType:
    """``code`` and all code in it with ``prefix`` of its qualified names replaced."""

    def new_name(name: str) -> str:
        return qualname + name[len(prefix) :] if name.startswith(prefix) else name

    old_name = code.co_qualname
    consts: list[object] = []
    for const in code.co_consts:
        if isinstance(const, CodeType):
            consts.append(requalified(const, prefix, qualname))
        elif isinstance(const, str) and const == old_name:
            consts.append(new_name(old_name))  # a class body sets its __qualname__ from a constant
        else:
            consts.append(const)
    return code.replace(co_qualname=new_name(old_name), co_consts=tuple(consts))
