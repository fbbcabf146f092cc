"""How numba compiles a function that only other compiled functions call: typed and lowered, and no further.

Numba optimizes each function by itself, with all that it calls, and makes machine code of it; what calls it does so
again. Of functions that call each other ten deep, the innermost is optimized and translated ten times, and but for the
last time in vain: after inlining nothing is left of it. So `InnerCompiler` stops where another function could take the
code over. What Python calls is optimized once, as a whole, and runs as fast as it would anyway.
"""

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

TESTED = ("0.68.",)
"""Versions of Numba whose insides these are. With another one, functions are compiled in the ordinary way: slower."""
_ENVIRONMENT = "_ZN08NumbaEnv"
"""How the names of functions' environments begin: Numba wants those at an address."""


class _InnerLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The code of one function and of those that it calls, for whoever calls it."""

    _final_module: Any

    def _optimize_final_module(self) -> None:
        return

    def _finalize_final_module(self) -> None:
        whole = self._final_module
        self._finalized = True  # so that it may be asked for
        self._shared_module = self._get_module_for_linking()
        self._finalized = False
        names = [each.name for each in whole.global_variables if each.name.startswith(_ENVIRONMENT)]
        text = "".join(f'@"{name}" = common global i64 0\n' for name in names)
        self._final_module = binding.parse_assembly(text)
        self._final_module.name = whole.name
        super()._finalize_final_module()


class InnerCompiler(Compiler):  # type: ignore[misc]
    """To be given to `njit` as `pipeline_class`, together with `no_cpython_wrapper` and `no_cfunc_wrapper`."""

    def define_pipelines(self) -> Any:
        codegen = self.state.targetctx.codegen()
        if self.state.library is None and codegen._library_class is JITCodeLibrary:
            self.state.library = _InnerLibrary(codegen, self.state.func_id.func_qualname)
            self.state.library.enable_object_caching()
        return super().define_pipelines()


class _CacheWhenAsked:
    """A function's cache on disk, opened when its code is first wanted.

    Numba opens it when the function is defined, and tries by a temporary file whether the folder can be written: some
    milliseconds for each of hundreds of functions, which a start with everything compiled never asks for.
    """

    def __init__(self, function: Any) -> None:
        self._function = function

    def __getattr__(self, name: str) -> Any:
        cache = FunctionCache(self._function)
        self.__dict__.update({each: getattr(cache, each) for each in dir(cache) if not each.startswith("_")})
        return getattr(cache, name)


def inner_of(**options: Any) -> Callable[[Any], Any]:
    """A decorator for functions that only compiled functions call; Python must not: there is nothing it could enter.

    options: `njit`'s.
    """
    if not numba.__version__.startswith(TESTED):
        return njit(nogil=True, cache=True, **options)
    compile_inner = njit(
        nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, pipeline_class=InnerCompiler, **options
    )

    def decorate(function: Any) -> Any:
        dispatcher = compile_inner(function)
        dispatcher._cache = _CacheWhenAsked(function)
        return dispatcher

    return decorate


inner = inner_of()
