"""One clip's trace, table and picture: what they show is what the detector said."""

from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console
from softswitch.codecs.progress import Tone, sound
from typer.testing import CliRunner

from softswitch.amd import model
from softswitch.amd.commands import read_wav
from softswitch.amd.evaluate import Clip, decide
from softswitch.amd.listen import OUTPUTS, levels_of, listen, spectra_of
from softswitch.amd.pictures import draw_clip
from softswitch.amd.tables import events_table
from softswitch.amd.verdict import Cause, Verdict
from softswitch.commands.amd import amd_app
from softswitch.errors import UsageError

VOICES = Path(__file__).resolve().parents[3] / "shared" / "voices"
Samples = npt.NDArray[np.int16]


def fax() -> Samples:
    """A second of silence, and a fax that calls twice."""
    return np.concatenate([np.zeros(8000, np.int16), sound(Tone.FAX_CALLING, "US", 7000), np.zeros(4000, np.int16)])


def test_a_trace_holds_one_row_for_each_10_ms_and_the_events_of_the_stream() -> None:
    pcm = fax()
    trace = listen(pcm, "fax")
    assert len(trace.ms) == len(trace.level_dbov) == len(trace.speaking) == len(pcm) // 80
    assert set(trace.likelihoods) == set(OUTPUTS)
    assert all(len(values) == len(trace.ms) for values in trace.likelihoods.values())
    assert trace.verdicts[-1].verdict is Verdict.FAX
    assert trace.verdicts[-1].cause is Cause.FAX_TONE
    assert [name for _, _, name in trace.tones] == ["fax tone", "fax tone"]
    assert trace.events == decide(Clip("fax", "FAX", pcm), frame_ms=10).events


def test_levels_and_spectra_are_those_of_the_sound() -> None:
    time = np.arange(8000) / 8000
    spectra = spectra_of((8192 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16))
    assert spectra.shape == (100, 128)
    assert set(np.argmax(spectra[10:], axis=1)) == {32}
    np.testing.assert_allclose(levels_of(spectra)[10:], -15.05, atol=0.1)
    assert set(levels_of(spectra_of(np.zeros(800, np.int16)))) == {-90.0}


def test_the_table_tells_what_was_said_in_order_and_in_words() -> None:
    trace = listen(fax(), "fax")
    console = Console(width=140, record=True, file=StringIO())
    console.print(events_table(trace))
    text = console.export_text()
    assert "FAX_TONE" in text
    assert "tone: fax tone" in text
    seconds = [
        float(line.split()[1]) for line in text.splitlines() if line.startswith("│") and line.split()[1][0].isdigit()
    ]
    assert seconds == sorted(seconds)
    assert trace.names_of(trace.verdicts[0])[0] == "verdict"
    assert trace.verdicts[0].flags & model.VERDICT_REACHED


def test_a_clip_of_nothing_is_told_as_such() -> None:
    trace = listen(np.zeros(800, np.int16), "dead")
    assert trace.verdicts == ()
    console = Console(width=120, record=True, file=StringIO())
    console.print(events_table(trace))
    assert "nothing was said" in console.export_text()


@pytest.mark.parametrize("ms", [0, 10, 3000])
def test_clips_of_any_length_can_be_drawn(tmp_path: Path, ms: int) -> None:
    path = tmp_path / "clip.png"
    draw_clip(listen(np.zeros(ms * 8, np.int16), "dead"), path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not VOICES.is_dir(), reason="the project's voices (../shared/voices) are not here")
def test_a_voice_is_seen_to_speak_while_it_speaks() -> None:
    voice = read_wav(next(iter(sorted(VOICES.glob("human-business-*.wav")))))
    trace = listen(np.concatenate([np.zeros(6400, np.int16), voice, np.zeros(24000, np.int16)]), "business")
    spoken = len(voice) // 80
    assert np.mean(trace.speaking[:75]) < 0.1
    assert np.mean(trace.speaking[80 : 80 + spoken]) > 0.5
    assert np.mean(trace.speaking[110 + spoken :]) < 0.1
    assert trace.features["voice_dbov"] < 0


def test_the_command_shows_and_draws_a_file(tmp_path: Path) -> None:
    import soundfile

    path, picture = tmp_path / "fax.wav", tmp_path / "fax.png"
    soundfile.write(path, fax(), 8000, subtype="PCM_16")
    ran = CliRunner().invoke(amd_app, ["listen", str(path), "--point", "careful", "--plot", str(picture)])
    assert ran.exit_code == 0, ran.output
    assert "FAX" in ran.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_one_clip_is_heard_at_one_point() -> None:
    ran = CliRunner().invoke(amd_app, ["listen", "a.wav", "--point", "all"])
    assert isinstance(ran.exception, UsageError)
