"""Working space for compiled kernels, on the stack: nothing is allocated, threads share nothing, and it stays in cache.

The compiler also knows that nobody else points to it, and keeps short arrays in registers.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic

LINE_BYTES = 64


@intrinsic(prefer_literal=True)
def floats(typing_context: Any, count: Any) -> Any:
    """Pointer to `count` float32 that live as long as the calling kernel runs, for `carray`; `count` is a constant.

    Not cleared. Two calls at different places of a kernel give different space, a call in a loop the same each time.
    """
    if not isinstance(count, types.IntegerLiteral):
        raise RequireLiteralValue("the length of working space must be a constant")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        space = cgutils.alloca_once(builder, ir.ArrayType(ir.FloatType(), signature.args[0].literal_value))
        space.align = LINE_BYTES
        return builder.bitcast(space, ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(count), generate
