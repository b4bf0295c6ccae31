"""Work out, with LightGBM and pandas alone, what flights.sql must answer.

    python examples/flights_postgres/expected.py   # writes expected.json

The form of the file is told in ../flights/expected.py.
"""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "flights"))
from expected import LATE_MINUTES, answer, by_airport, count, predictions, rounded, save, status  # noqa: E402

DAY = "2013-08-22"


def lateness(frame: pd.DataFrame, minutes: float) -> dict:
    late = (frame["delay_min"] > minutes).rename("late")
    return answer(late.groupby(late).size().rename("flights").reset_index())


def main() -> None:
    every, scored, _ = predictions()
    day = scored[scored["flight_date"] == DAY]

    errors = day.dropna(subset=["arr_delay"]).assign(error=lambda f: (f["delay_min"] - f["arr_delay"]).abs())
    errors = errors.groupby("origin", observed=True, as_index=False).agg(flights=("id", "size"), error=("error", "mean"))
    errors["error"] = rounded(errors["error"], 1)

    expected = {
        "source": answer(pd.DataFrame({"flights": [len(every)], "last_day": [every["flight_date"].max()]})),
        "plan": {"contains": ["ops.public.delay_predictions", "flights.daily", "exactly once"]},
        "run_first": status("succeeded"),
        "published": lateness(day, LATE_MINUTES),
        "daily": by_airport(day),
        "run_again": status("succeeded"),
        "published_again": lateness(day, 30),
        "run_empty": status("blocked"),
        "untouched": count(day),
        "why": {"contains": ["enough_flights"]},
        "publications": {"columns": ["target", "rows"], "rows": [["ops.public.delay_predictions", len(day)]] * 2},
        "error": answer(errors),
    }
    save(expected, HERE)


if __name__ == "__main__":
    main()
