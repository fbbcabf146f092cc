"""`--import-mode=importlib` puts no test folder on the path; the web's tests share a few modules of their own."""

import importlib.util
import sys
from pathlib import Path

for _name in (
    "memory_people",
    "small_auditing",
    "small_floor",
    "small_interviews",
    "small_supervision",
    "small_site",
    "small_office",
    "site_client",
):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).parent / f"{_name}.py")
        assert _spec and _spec.loader
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
