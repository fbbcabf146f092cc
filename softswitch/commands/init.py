"""`softswitch init`: the first file of a new site; the switch starts with it, and the administrator's page goes on."""

from pathlib import Path
from typing import Annotated

import tomlkit
import typer
from rich.console import Console

from softswitch.errors import UsageError


def init(
    config: Annotated[Path, typer.Argument(help="The site's TOML file, which is not there yet.")],
    auditor_key: Annotated[
        str, typer.Option(help="The auditor's public key, as `softswitch recordings keygen` printed it, or its file.")
    ],
    address: Annotated[str, typer.Option(help="This machine's address, as the carrier and phones reach it.")] = "",
    sip_port: Annotated[int, typer.Option(min=0, max=65535, help="UDP and TCP.")] = 5060,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="On this machine alone.")] = 8080,
) -> None:
    """Write a site's first configuration. `softswitch run` starts with it; the page /admin fills in the rest."""
    import softswitch.configs
    from softswitch.config import problems

    if config.exists():
        raise UsageError(f"{config} exists, and is not written over: name a new file")
    if not config.parent.is_dir():
        raise UsageError(f"there is no folder {config.parent}")
    template = Path(next(iter(softswitch.configs.__path__))) / "first-site.toml"
    document = tomlkit.parse(template.read_text(encoding="utf-8"))
    key = Path(auditor_key)
    text = key.read_text(encoding="ascii").strip() if len(auditor_key) < 60 and key.is_file() else auditor_key
    for table, name, value in (
        ("recordings", "auditor_public_key", text),
        ("sip", "port", sip_port),
        ("web", "port", web_port),
        *((table, "address", address) for table in ("sip", "media") if address),
    ):
        document[table][name] = value
    config.touch(mode=0o600)
    config.write_text(tomlkit.dumps(document), encoding="utf-8")
    grave = [finding for finding in problems(config) if finding.fatal or finding.keeps_from_running]
    if grave:
        config.unlink()
        raise UsageError("; ".join(map(str, grave)))
    Console(stderr=True, highlight=False).print(
        f"{config} is there. Next: softswitch run {config}, then open http://127.0.0.1:{web_port}/admin", soft_wrap=True
    )
