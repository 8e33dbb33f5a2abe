"""Bringing memory near before it is needed."""

from __future__ import annotations

from functools import cache
from typing import Any

#: Cache lines of 64 bytes of a row that are asked for.
LINES = 3


def ask_for(record: Any, row: Any) -> None:
    """Compiled, the processor fetches that row of ``record`` while it goes on with other things. Python has no such word."""


@cache
def know_ask_for() -> None:
    """Tell numba what ``ask_for`` is. It is slow to import, so this is for whoever compiles."""
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba import types
    from numba.extending import intrinsic, overload

    word = ir.IntType(64)

    @intrinsic
    def fetch(_: Any, record: Any, row: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            width = builder.extract_value(array.strides, 0)
            start = builder.add(builder.ptrtoint(array.data, word), builder.mul(arguments[1], width))
            byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
            prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
            # To be written, to stay, data: see LLVM's manual.
            how = [flag(1), flag(3), flag(1)]
            for offset in range(0, 64 * LINES, 64):
                builder.call(prefetch, [builder.inttoptr(builder.add(start, word(offset)), byte), *how])
            return context.get_dummy_value()

        return types.void(record, row), code

    @overload(ask_for)
    def _(record: Any, row: Any) -> Any:  # noqa: ARG001 numba compares the names
        def fetched(record: Any, row: Any) -> Any:
            return fetch(record, row)  # type: ignore[call-arg] # the context is numba's

        return fetched
