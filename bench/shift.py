"""Does a live shift come to what the simulator says? Utilisation and abandoned rate, shares of 1.

    python bench/shift.py --json - --agents 20 --minutes 15 --speed 4
    python bench/shift.py --json - --predict        the simulator's part alone

Real SIP and RTP on loopback: a lab carrier, the agents' phones and a switch, with the predictive campaign of a market
that is `--speed` times as fast as the reference. Beside the live figures stands the interval in which 95 % of simulated
shifts of the same market and length lie; `disagrees` names what is outside. The live part wants two cores for itself.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from figures import parser, report
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from softswitch.demo.agreement import LiveShift, Prediction, market_of, predict


def live(told: Any, prediction: Prediction) -> dict[str, Any]:
    lasts_s = 60.0 * told.minutes
    leads = min(9000, int(4 * prediction.dials_interval[1]) + 200)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (
        tempfile.TemporaryDirectory(dir=told.folder) as folder,
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("a live shift", total=lasts_s)
        shift = LiveShift(Path(folder), market_of(told.agents, told.speed, told.answer_rate), leads=leads)
        done = uvloop.run(shift.run(lasts_s, lambda elapsed_s: bar.update(task, completed=elapsed_s)))
    return {**asdict(done), "abandoned_rate": done.abandoned_rate, "disagrees": prediction.disagrees(done)}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--agents", type=int, default=20)
    options.add_argument("--minutes", type=float, default=15.0)
    options.add_argument("--speed", type=float, default=4.0, help="how many times as fast as the reference market")
    options.add_argument("--answer-rate", type=float, default=0.35)
    options.add_argument("--predict", action="store_true", help="simulate only")
    options.add_argument("--folder", type=Path, help="where the site is made; a temporary folder by default")
    told = options.parse_args()
    prediction = predict(market_of(told.agents, told.speed, told.answer_rate), 60.0 * told.minutes)
    figures: dict[str, Any] = {
        "agents": told.agents,
        "minutes": told.minutes,
        "speed": told.speed,
        "answer_rate": told.answer_rate,
        "predicted": asdict(prediction),
    }
    if not told.predict:
        figures["live"] = live(told, prediction)
    report(figures, told.json)


if __name__ == "__main__":
    main()
