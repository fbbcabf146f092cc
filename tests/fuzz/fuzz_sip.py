"""Fuzz what reads the words of peers: `python -m tests.fuzz.fuzz_sip build/fuzz -max_total_time=600`.

The first argument is a folder for the corpus, which grows from run to run, and for inputs that break something; the
others go to libFuzzer. `make fuzz` runs it for ten minutes.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["softswitch.sip", "softswitch.sdp"]):
    from tests.fuzz import seeds, target


def main() -> None:
    home = Path(sys.argv[1])
    corpus, dictionary, broken = home / "corpus", home / "words.dict", home / "broken"
    seeds.write(corpus, dictionary)
    broken.mkdir(parents=True, exist_ok=True)
    limits = ["-max_len=16384", "-timeout=20", "-rss_limit_mb=2048"]
    options = [f"-dict={dictionary}", f"-artifact_prefix={broken}/", *limits, *sys.argv[2:]]
    atheris.Setup([sys.argv[0], str(corpus), *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
