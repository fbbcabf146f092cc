"""A cache made from other sources is not used."""

from pathlib import Path

from softswitch.media import kernels


def test_a_change_of_the_sources_empties_the_cache_and_no_change_keeps_it(tmp_path, monkeypatch):
    index, data = tmp_path / "relay.run-1.py311.nbi", tmp_path / "relay.run-1.py311.1.nbc"
    for file in (index, data):
        file.write_bytes(b"x")
    kernels.discard_stale_kernels(tmp_path)
    assert not index.exists()
    index.write_bytes(b"x")
    kernels.discard_stale_kernels(tmp_path)
    assert index.exists()
    monkeypatch.setattr(kernels, "fingerprint", lambda packages: "other sources")
    kernels.discard_stale_kernels(tmp_path)
    assert not index.exists()


def test_only_what_a_kernel_may_depend_on_empties_the_cache():
    found = {source.name for source in kernels.kernel_sources()}
    # kernels; layouts and numbers that they are made with; what those are made of in turn
    assert {"relay.py", "g711.py", "layout.py", "vocabulary.py", "libc.py", "registry.py", "form.py"} <= found
    assert not {"control.py", "recorder.py", "engine.py", "headset.py", "launcher.py"} & found


def test_what_the_rule_of_pacing_is_made_of_empties_its_cache():
    import softswitch.pacing

    found = {source.name for source in kernels.kernel_sources((softswitch.pacing,))}
    assert {"controller.py", "budget.py", "convolution.py", "floor.py", "policies.py"} <= found
    assert "relay.py" not in found


def test_a_cache_folder_that_cannot_be_written_does_no_harm():
    kernels.discard_stale_kernels(Path("/proc/softswitch"))


def test_kernels_name_the_folder_of_their_cache():
    from softswitch.media import relay

    assert kernels.cache_folders(relay.run)
