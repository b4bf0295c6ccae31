-- Late flights: from Parquet files to checked, scheduled predictions.
--
--     aqueduct run examples/flights/flights.sql
--
-- Run it from the repository root, it needs nothing else. "expect: x" names the
-- answer kept in expected.json.


-- 1. Load -----------------------------------------------------------------------

CREATE SCHEMA files;
CREATE SCHEMA flights;

CREATE EXTERNAL TABLE files.flights  STORED AS parquet LOCATION 'examples/flights/data/flights.parquet';
CREATE EXTERNAL TABLE files.weather  STORED AS parquet LOCATION 'examples/flights/data/weather.parquet';
CREATE EXTERNAL TABLE files.planes   STORED AS parquet LOCATION 'examples/flights/data/planes.parquet';
CREATE EXTERNAL TABLE files.airlines STORED AS parquet LOCATION 'examples/flights/data/airlines.parquet';

CREATE TABLE flights.flights  AS SELECT * FROM files.flights;
CREATE TABLE flights.planes   AS SELECT * FROM files.planes;
CREATE TABLE flights.airlines AS SELECT * FROM files.airlines;

-- The weather feed has reached the end of 22 August (New York is four hours behind UTC).
CREATE TABLE flights.weather AS
SELECT * FROM files.weather WHERE time_hour < TIMESTAMPTZ '2013-08-23 04:00:00+00:00';

-- expect: loaded
SELECT count(*) AS flights, count(arr_delay) AS arrived, min(flight_date) AS first_day, max(flight_date) AS last_day
FROM flights.flights;

-- Each flight with its aircraft and the weather at its scheduled hour.
CREATE VIEW flights.flight_weather AS
SELECT f.id, f.flight_date, f.sched_dep, f.carrier, f.flight, f.origin, f.dest,
       f.distance, f.sched_hour, CAST(extract(dow FROM f.flight_date) AS int) AS day_of_week,
       p.seats, p.year AS built,
       w.temp, w.dewp, w.humid, w.wind_dir, w.wind_speed, w.wind_gust, w.precip, w.pressure, w.visib
FROM flights.flights f
LEFT JOIN flights.weather w ON w.origin = f.origin AND w.time_hour = date_trunc('hour', f.sched_dep)
LEFT JOIN flights.planes p ON p.tailnum = f.tailnum;


-- 2. A model is a function ------------------------------------------------------

-- The file says what goes in: names, types, categories, what a NULL means.
CREATE MODEL delay FROM 'examples/flights/model/delay.txt' FORMAT lightgbm;
DESCRIBE MODEL delay;

-- Inputs bind by name, so * is enough. Columns the model does not know are left alone.
-- expect: first_predictions
SELECT carrier, flight, origin, dest, round(predict('delay', *)::numeric, 1) AS minutes
FROM flights.flight_weather
WHERE flight_date = DATE '2013-08-21'
ORDER BY minutes DESC, id
LIMIT 5;


-- 3. A workflow: every morning, checked, published once -------------------------

CREATE WORKFLOW flights.score_day
  SCHEDULE CRON '30 5 * * *' TIME ZONE 'America/New_York'
  RETRY (ATTEMPTS 3, BACKOFF '2 s') TIMEOUT '10 min'
AS (
  -- 05:30 in New York is the same date in UTC.
  PARAM day date NOT NULL DEFAULT interval_end()::date,
  PARAM late_minutes float8 NOT NULL DEFAULT 15 CHECK (late_minutes > 0),

  STEP features AS (
    SELECT * FROM flights.flight_weather WHERE flight_date = param('day')
  ),
  CHECK enough_flights ON features ROW COUNT > 500,
  CHECK one_row_each   ON features (id) UNIQUE,
  CHECK has_departure  ON features (sched_dep) NOT NULL,
  CHECK from_new_york  ON features (origin) IN ('EWR', 'JFK', 'LGA'),
  CHECK carrier_code   ON features (carrier) MATCHES '^[0-9A-Z]{2}$',
  CHECK known_carrier  ON features (carrier) REFERENCES flights.airlines (carrier),
  -- Stations fall silent: set those flights aside, score the others.
  CHECK has_weather    ON features EXPECT (temp IS NOT NULL) ON VIOLATION QUARANTINE INTO flights.no_weather,
  -- Degrees Fahrenheit. If any row is off, publish nothing.
  CHECK fahrenheit     ON features (temp) BETWEEN -40 AND 130 WHERE (temp IS NOT NULL) ON VIOLATION BLOCK,

  STEP scored INTO flights.predictions MODE UPSERT KEY (id) AS (
    SELECT id, flight_date, carrier, origin, dest, delay_min, delay_min > param('late_minutes') AS late
    FROM (SELECT *, predict('delay', *) AS delay_min FROM features) p
  ),
  CHECK plausible      ON scored (delay_min) BETWEEN -120 AND 600 ON VIOLATION BLOCK,
  METRIC mean_delay    ON scored AS (avg(delay_min)) BOUNDS (MIN -30, MAX 90),
  METRIC late_share    ON scored AS (avg(CASE WHEN late THEN 1.0 ELSE 0.0 END)) BOUNDS (MIN 0, MAX 0.8),
  METRIC scored_flights ON scored AS (count(*)) DIMENSIONS (origin),

  STEP daily INTO flights.daily MODE UPSERT KEY (flight_date, origin) AS (
    SELECT flight_date, origin, count(*) AS flights, count(*) FILTER (WHERE late) AS late_flights,
           avg(delay_min) AS mean_delay
    FROM scored
    GROUP BY flight_date, origin
  )
);

-- What it will do: steps, their edges, what each target guarantees.
EXPLAIN WORKFLOW flights.score_day;

-- Do not wait for 05:30. A quiet Wednesday, then a Thursday of storms.
-- expect: run_21
EXECUTE WORKFLOW flights.score_day USING (day = DATE '2013-08-21') WAIT;
-- expect: run_22
EXECUTE WORKFLOW flights.score_day USING (day = DATE '2013-08-22') WAIT;

-- expect: daily
SELECT flight_date, origin, flights, late_flights, round(mean_delay::numeric, 1) AS minutes
FROM flights.daily
ORDER BY flight_date, origin;

-- The flights most at risk on the 22nd.
-- expect: worst_22
SELECT id, carrier, origin, dest, round(delay_min::numeric, 1) AS minutes, late
FROM flights.predictions
WHERE flight_date = DATE '2013-08-22'
ORDER BY delay_min DESC, id
LIMIT 5;

-- Flights of the 22nd without weather: not scored, not lost.
-- expect: quarantined
SELECT origin, count(*) AS flights FROM flights.no_weather GROUP BY origin ORDER BY origin;

-- Everything a run did can be asked for later.
-- expect: runs_two
SELECT status, reason, trigger, params FROM aqueduct.runs
WHERE workflow = 'flights.score_day'
ORDER BY started_at;

-- expect: checks_22
SELECT check_name, status, failures, total, value FROM aqueduct.check_results
WHERE run_id = (SELECT run_id FROM aqueduct.runs WHERE workflow = 'flights.score_day' ORDER BY started_at DESC LIMIT 1)
ORDER BY check_name;

-- expect: metrics_22
SELECT metric, dimensions, round(value::numeric, 3) AS value FROM aqueduct.metric_values
WHERE run_id = (SELECT run_id FROM aqueduct.runs WHERE workflow = 'flights.score_day' ORDER BY started_at DESC LIMIT 1)
ORDER BY metric, value;


-- 4. A bad day ------------------------------------------------------------------

-- The feed of the 23rd reports kelvin. The model would take 296 degrees without a
-- murmur and answer something believable.
INSERT INTO flights.weather
SELECT origin, time_hour, (temp - 32) * 5 / 9 + 273.15, dewp, humid,
       wind_dir, wind_speed, wind_gust, precip, pressure, visib
FROM files.weather
WHERE time_hour >= TIMESTAMPTZ '2013-08-23 04:00:00+00:00' AND time_hour < TIMESTAMPTZ '2013-08-24 04:00:00+00:00';

-- expect: count_before
SELECT count(*) AS predictions, max(flight_date) AS last_day FROM flights.predictions;

-- This run is blocked, and says so.
-- expect: run_23_blocked
EXECUTE WORKFLOW flights.score_day USING (day = DATE '2013-08-23') WAIT;

-- Readers saw nothing of it.
-- expect: count_after
SELECT count(*) AS predictions, max(flight_date) AS last_day FROM flights.predictions;

-- expect: why
EXPLAIN WHY flights.score_day;

-- The feed sends the day again, in Fahrenheit.
DELETE FROM flights.weather WHERE time_hour >= TIMESTAMPTZ '2013-08-23 04:00:00+00:00';

INSERT INTO flights.weather
SELECT * FROM files.weather
WHERE time_hour >= TIMESTAMPTZ '2013-08-23 04:00:00+00:00' AND time_hour < TIMESTAMPTZ '2013-08-24 04:00:00+00:00';

-- expect: run_23
EXECUTE WORKFLOW flights.score_day USING (day = DATE '2013-08-23') WAIT;

-- expect: runs_four
SELECT status, reason, trigger, params FROM aqueduct.runs
WHERE workflow = 'flights.score_day'
ORDER BY started_at;


-- 5. Looking back ---------------------------------------------------------------

-- The table now, and as the first run left it.
-- expect: now
SELECT count(*) AS predictions, max(flight_date) AS last_day FROM flights.predictions;

-- expect: then
SELECT count(*) AS predictions, max(flight_date) AS last_day
FROM flights.predictions FOR VERSION AS OF (
  SELECT run_id FROM aqueduct.runs
  WHERE workflow = 'flights.score_day' AND status = 'succeeded'
  ORDER BY started_at LIMIT 1
);

-- How far off were we? Mean absolute error in minutes, by carrier, once the flights had landed.
-- expect: error_by_carrier
SELECT a.name AS airline, count(*) AS flights,
       round(avg(abs(p.delay_min - f.arr_delay))::numeric, 1) AS error,
       round(avg(f.arr_delay)::numeric, 1) AS delay
FROM flights.predictions p
JOIN flights.flights f ON f.id = p.id
JOIN flights.airlines a ON a.carrier = p.carrier
WHERE f.arr_delay IS NOT NULL
GROUP BY a.name
ORDER BY flights DESC, airline;

-- And when we said "late", was it?
-- expect: late_or_not
SELECT p.late AS predicted_late, f.arr_delay > 15 AS was_late, count(*) AS flights
FROM flights.predictions p JOIN flights.flights f ON f.id = p.id
WHERE f.arr_delay IS NOT NULL
GROUP BY p.late, f.arr_delay > 15
ORDER BY predicted_late, was_late;

-- The data ends here, so the schedule rests.
PAUSE WORKFLOW flights.score_day;
