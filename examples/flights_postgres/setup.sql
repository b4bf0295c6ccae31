-- The operations database of an airport: what it knows, and where it wants predictions.
--
--     psql -f examples/flights_postgres/setup.sql
--     python examples/flights_postgres/load.py

CREATE TABLE public.flights (
  id          bigint PRIMARY KEY,
  flight_date date        NOT NULL,
  sched_dep   timestamptz NOT NULL,
  sched_hour  int         NOT NULL,
  carrier     text        NOT NULL,
  flight      int         NOT NULL,
  tailnum     text,
  origin      text        NOT NULL,
  dest        text        NOT NULL,
  distance    int         NOT NULL,
  dep_delay   int,
  arr_delay   int
);
CREATE INDEX ON public.flights (flight_date);

CREATE TABLE public.weather (
  origin     text        NOT NULL,
  time_hour  timestamptz NOT NULL,
  temp       float8,
  dewp       float8,
  humid      float8,
  wind_dir   int,
  wind_speed float8,
  wind_gust  float8,
  precip     float8,
  pressure   float8,
  visib      float8,
  PRIMARY KEY (origin, time_hour)
);

-- Aqueduct publishes here. The primary key is what UPSERT KEY (id) relies on.
CREATE TABLE public.delay_predictions (
  id          bigint PRIMARY KEY,
  flight_date date    NOT NULL,
  carrier     text    NOT NULL,
  origin      text    NOT NULL,
  dest        text    NOT NULL,
  delay_min   float8  NOT NULL,
  late        boolean NOT NULL
);
