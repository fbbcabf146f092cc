"""The torture messages of RFC 4475 and RFC 5118 and the inputs that once broke well-known servers, read in place."""

import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors lie beside a checkout only")


def names(folder: str) -> list[str]:
    """Every input that a folder's manifest lists; for the malformed ones the file's name."""
    manifest = VECTORS / folder / "manifest.json"
    if not manifest.exists():
        return []
    return [entry.get("name") or entry["file"] for entry in json.loads(manifest.read_text())]


def torture(name: str) -> bytes:
    """A message of RFC 4475."""
    return (VECTORS / "rfc4475" / "raw" / f"{name}.dat").read_bytes()


def wire(name: str) -> bytes:
    """A message of RFC 5118, with the line ends and lengths that it has on the wire."""
    return (VECTORS / "rfc5118" / "wire" / f"{name}.dat").read_bytes()


def malformed(name: str) -> bytes:
    return (VECTORS / "malformed" / name).read_bytes()


def everything() -> list[bytes]:
    """All inputs of all three folders: seeds for mutation."""
    return [
        *(torture(name) for name in names("rfc4475")),
        *(wire(name) for name in names("rfc5118")),
        *(malformed(name) for name in names("malformed")),
    ]
