"""Train the arrival-delay model and save it as LightGBM text.

    pip install lightgbm pandas pyarrow
    python examples/flights/train.py

Inputs are what is known before departure, plus the weather at the scheduled hour.
The split is by time: learn until mid-July, stop early on the rest of July, report August.
"""

from pathlib import Path

import lightgbm as lgb
import pandas as pd

HERE = Path(__file__).parent
MODEL = HERE / "model" / "delay.txt"
CATEGORIES = ["carrier", "origin", "dest"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
INPUTS = [*CATEGORIES, "distance", "sched_hour", "day_of_week", "seats", "built", *WEATHER]
TARGET = "arr_delay"

VALID_FROM, TEST_FROM = "2013-07-15", "2013-08-01"
PARAMETERS = {
    "objective": "regression_l1",  # the median: a few cancelled evenings must not move every prediction
    "metric": "l1",
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 13,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}


def features() -> pd.DataFrame:
    """One row per flight: what the view flights.flight_weather holds, and the outcome."""
    flights = pd.read_parquet(HERE / "data" / "flights.parquet")
    weather = pd.read_parquet(HERE / "data" / "weather.parquet")
    planes = pd.read_parquet(HERE / "data" / "planes.parquet")

    frame = flights.assign(
        time_hour=flights["sched_dep"].dt.floor("h"),
        flight_date=pd.to_datetime(flights["flight_date"]),
    )
    frame["day_of_week"] = (frame["flight_date"].dt.day_of_week + 1) % 7  # 0 is Sunday, as in SQL
    frame = frame.merge(weather, how="left", on=["origin", "time_hour"])
    built = planes[["tailnum", "seats", "year"]].rename(columns={"year": "built"})
    frame = frame.merge(built, how="left", on="tailnum")

    for column in CATEGORIES:
        frame[column] = frame[column].astype("category")
    for column in INPUTS[len(CATEGORIES) :]:
        frame[column] = frame[column].astype("float64")
    return frame


def main() -> None:
    flown = features().dropna(subset=[TARGET])
    day = flown["flight_date"]
    train = flown[day < VALID_FROM]
    valid = flown[(day >= VALID_FROM) & (day < TEST_FROM)]
    test = flown[day >= TEST_FROM]

    learn = lgb.Dataset(train[INPUTS], train[TARGET])
    model = lgb.train(
        PARAMETERS,
        learn,
        num_boost_round=500,
        valid_sets=[lgb.Dataset(valid[INPUTS], valid[TARGET], reference=learn)],
        callbacks=[lgb.early_stopping(30, verbose=False)],
    )

    def mae(predicted) -> float:
        return (test[TARGET] - predicted).abs().mean()

    print(f"flights          train {len(train)}, valid {len(valid)}, test {len(test)}")
    print(f"trees            {model.best_iteration}")
    print(f"MAE in August    {mae(model.predict(test[INPUTS])):.2f} min")
    print(f"  always median  {mae(train[TARGET].median()):.2f} min")
    print(f"  always mean    {mae(train[TARGET].mean()):.2f} min")

    MODEL.parent.mkdir(exist_ok=True)
    model.save_model(MODEL, num_iteration=model.best_iteration)
    print(f"saved            {MODEL.name}, {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
