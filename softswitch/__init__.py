"""A SIP softswitch with an embedded predictive dialler."""

from pathlib import Path

# A wheel nests codecs/, pacing/ and configs/ in this package; a checkout keeps them beside it.
_here = Path(__file__).resolve().parent
if not (_here / "codecs").is_dir():
    __path__.append(str(_here.parent))
