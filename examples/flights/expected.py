"""Work out, with LightGBM and pandas alone, what flights.sql must answer.

    python examples/flights/expected.py            # writes expected.json

One entry for each "-- expect: name" in flights.sql. `columns` names the columns to
compare (an answer may have more) and `rows` holds their values in order; numbers are rounded
as the query rounds them. `contains` lists words that must stand somewhere in the answer.
"""

import json
import re
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from train import INPUTS, MODEL, features

HERE = Path(__file__).parent
DAYS = ["2013-08-21", "2013-08-22", "2013-08-23"]
LATE_MINUTES = 15


def rounded(values, digits: int) -> list:
    """Half away from zero, as SQL does; refuses values that sit on the edge of two answers."""
    out = []
    for value in values:
        scaled = abs(value) * 10**digits
        if abs(scaled % 1 - 0.5) < 1e-6:
            sys.exit(f"{value} is a tie at {digits} digits: pick another query")
        out.append(float(np.copysign(np.floor(scaled + 0.5) / 10**digits, value)) + 0.0)
    return out


def answer(frame: pd.DataFrame) -> dict:
    return {"columns": list(frame.columns), "rows": json.loads(frame.to_json(orient="values"))}


def predictions() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All flights with a prediction; those of the three days that get scored; those set aside."""
    every = features()
    every["delay_min"] = lgb.Booster(model_file=MODEL).predict(every[INPUTS])
    every["late"] = every["delay_min"] > LATE_MINUTES
    every["flight_date"] = every["flight_date"].dt.strftime("%Y-%m-%d")
    three = every[every["flight_date"].isin(DAYS)]
    return every, three[three["temp"].notna()], three[three["temp"].isna()]


def worst(frame: pd.DataFrame, columns: list[str], by: str) -> pd.DataFrame:
    frame = frame.assign(minutes=rounded(frame["delay_min"], 1))
    return frame.sort_values([by, "id"], ascending=[False, True]).head(5)[columns]


def by_airport(frame: pd.DataFrame) -> dict:
    daily = frame.groupby(["flight_date", "origin"], observed=True, as_index=False).agg(
        flights=("id", "size"), late_flights=("late", "sum"), minutes=("delay_min", "mean")
    )
    daily["minutes"] = rounded(daily["minutes"], 1)
    return answer(daily)


def count(frame: pd.DataFrame) -> dict:
    return answer(pd.DataFrame({"predictions": [len(frame)], "last_day": [frame["flight_date"].max()]}))


def status(*states: str) -> dict:
    return {"columns": ["status"], "rows": [[s] for s in states]}


def main() -> None:
    every, scored, aside = predictions()
    quiet, storm = scored[scored["flight_date"] == DAYS[0]], scored[scored["flight_date"] == DAYS[1]]
    two = pd.concat([quiet, storm])

    checks = {name: 0 for name in ("enough_flights", "one_row_each", "has_departure", "from_new_york",
                                   "carrier_code", "known_carrier", "fahrenheit", "plausible")}
    checks["has_weather"] = int((aside["flight_date"] == DAYS[1]).sum())

    metrics = [["late_share", storm["late"].mean()], ["mean_delay", storm["delay_min"].mean()]]
    metrics += [["scored_flights", n] for n in sorted(storm.groupby("origin", observed=True).size())]

    names = pd.read_parquet(HERE / "data" / "airlines.parquet").rename(columns={"name": "airline"})
    landed = scored.astype({"carrier": str}).merge(names, on="carrier").dropna(subset=["arr_delay"])
    landed["error"] = (landed["delay_min"] - landed["arr_delay"]).abs()
    landed["was_late"] = landed["arr_delay"] > 15
    errors = landed.groupby("airline", as_index=False).agg(
        flights=("id", "size"), error=("error", "mean"), delay=("arr_delay", "mean")
    )
    errors = errors.sort_values(["flights", "airline"], ascending=[False, True])
    errors["error"], errors["delay"] = rounded(errors["error"], 1), rounded(errors["delay"], 1)
    verdicts = landed.groupby(["late", "was_late"], as_index=False).size()
    verdicts.columns = ["predicted_late", "was_late", "flights"]

    expected = {
        "loaded": answer(pd.DataFrame({
            "flights": [len(every)], "arrived": [every["arr_delay"].count()],
            "first_day": [every["flight_date"].min()], "last_day": [every["flight_date"].max()],
        })),
        "first_predictions": answer(worst(
            every[every["flight_date"] == DAYS[0]], ["carrier", "flight", "origin", "dest", "minutes"], "minutes")),
        "run_21": status("succeeded"),
        "run_22": status("succeeded"),
        "daily": by_airport(two),
        "worst_22": answer(worst(storm, ["id", "carrier", "origin", "dest", "minutes", "late"], "delay_min")),
        "quarantined": answer(aside.groupby("origin", observed=True, as_index=False).agg(flights=("id", "size"))),
        "runs_two": status("succeeded", "succeeded"),
        "checks_22": {"columns": ["check_name", "failures"], "rows": [[k, checks[k]] for k in sorted(checks)]},
        "metrics_22": {"columns": ["metric", "value"],
                       "rows": [[name, rounded([value], 3)[0]] for name, value in metrics]},
        "count_before": count(two),
        "run_23_blocked": status("blocked"),
        "count_after": count(two),
        "why": {"contains": ["fahrenheit"]},
        "run_23": status("succeeded"),
        "runs_four": status("succeeded", "succeeded", "blocked", "succeeded"),
        "now": count(scored),
        "then": count(quiet),
        "error_by_carrier": answer(errors),
        "late_or_not": answer(verdicts),
    }
    save(expected, HERE)


def save(expected: dict, folder: Path) -> None:
    """Write expected.json beside a flights.sql that asks for exactly these answers."""
    asked = re.findall(r"^-- expect: (\w+)$", (folder / "flights.sql").read_text(), re.MULTILINE)
    if asked != list(expected):
        sys.exit(f"flights.sql asks for {asked}, expected.py knows {list(expected)}")
    entries = []
    for name, entry in expected.items():
        keys = ",\n".join(
            f"    {json.dumps(key)}: "
            + ("[\n" + ",\n".join("      " + json.dumps(row) for row in value) + "\n    ]" if key == "rows" else json.dumps(value))
            for key, value in entry.items()
        )
        entries.append(f"  {json.dumps(name)}: {{\n{keys}\n  }}")
    (folder / "expected.json").write_text("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    main()
