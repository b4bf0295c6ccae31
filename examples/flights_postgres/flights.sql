-- Late flights again, where the data lives in PostgreSQL and the answer must go back.
--
-- Fill in __PGHOST__, __PGPORT__, __PGDATABASE__ and __PGUSER__ first (README.md shows
-- how), and run it from the repository root. "expect: x" names the answer in expected.json.


-- 1. Connect --------------------------------------------------------------------

-- The password comes from the environment and can never be read again.
CREATE SECRET ops_password FROM ENV 'PGPASSWORD';
CREATE CONNECTION ops TYPE postgres OPTIONS (
  host '__PGHOST__', port '__PGPORT__', dbname '__PGDATABASE__', user '__PGUSER__', password SECRET ops_password
);
TEST CONNECTION ops;

-- expect: source
SELECT count(*) AS flights, max(flight_date) AS last_day FROM ops.public.flights;

-- What PostgreSQL does not know: the aircraft.
CREATE SCHEMA flights;
CREATE EXTERNAL TABLE flights.planes STORED AS parquet LOCATION 'examples/flights/data/planes.parquet';

CREATE MODEL delay FROM 'examples/flights/model/delay.txt' FORMAT lightgbm;


-- 2. Read there, score here, publish to both ------------------------------------

CREATE WORKFLOW flights.publish_day
  SCHEDULE CRON '30 5 * * *' TIME ZONE 'America/New_York'
  RETRY (ATTEMPTS 5, BACKOFF '2 s') TIMEOUT '10 min'
AS (
  PARAM day date NOT NULL DEFAULT interval_end()::date,
  PARAM late_minutes float8 NOT NULL DEFAULT 15 CHECK (late_minutes > 0),

  STEP features AS (
    SELECT f.id, f.flight_date, f.carrier, f.origin, f.dest,
           f.distance, f.sched_hour, CAST(extract(dow FROM f.flight_date) AS int) AS day_of_week,
           p.seats, p.year AS built,
           w.temp, w.dewp, w.humid, w.wind_dir, w.wind_speed, w.wind_gust, w.precip, w.pressure, w.visib
    FROM ops.public.flights f
    LEFT JOIN ops.public.weather w ON w.origin = f.origin AND w.time_hour = date_trunc('hour', f.sched_dep)
    LEFT JOIN flights.planes p ON p.tailnum = f.tailnum
    WHERE f.flight_date = param('day')
  ),
  CHECK enough_flights ON features ROW COUNT > 500 ON VIOLATION BLOCK,
  CHECK one_row_each   ON features (id) UNIQUE,
  CHECK has_weather    ON features EXPECT (temp IS NOT NULL) ON VIOLATION QUARANTINE INTO flights.no_weather,
  CHECK fahrenheit     ON features (temp) BETWEEN -40 AND 130 WHERE (temp IS NOT NULL) ON VIOLATION BLOCK,

  -- PostgreSQL, exactly once: the run's marker commits with the rows.
  STEP scored INTO ops.public.delay_predictions MODE UPSERT KEY (id) AS (
    SELECT id, flight_date, carrier, origin, dest, delay_min, delay_min > param('late_minutes') AS late
    FROM (SELECT *, predict('delay', *) AS delay_min FROM features) p
  ),
  CHECK plausible      ON scored (delay_min) BETWEEN -120 AND 600 ON VIOLATION BLOCK,
  METRIC mean_delay    ON scored AS (avg(delay_min)) BOUNDS (MIN -30, MAX 90),

  -- A table of ours, in the same run.
  STEP daily INTO flights.daily MODE UPSERT KEY (flight_date, origin) AS (
    SELECT flight_date, origin, count(*) AS flights, count(*) FILTER (WHERE late) AS late_flights,
           avg(delay_min) AS mean_delay
    FROM scored
    GROUP BY flight_date, origin
  )
);

-- What each target guarantees.
-- expect: plan
EXPLAIN WORKFLOW flights.publish_day;

-- expect: run_first
EXECUTE WORKFLOW flights.publish_day USING (day = DATE '2013-08-22') WAIT;

-- expect: published
SELECT late, count(*) AS flights FROM ops.public.delay_predictions GROUP BY late ORDER BY late;

-- expect: daily
SELECT flight_date, origin, flights, late_flights, round(mean_delay::numeric, 1) AS minutes
FROM flights.daily
ORDER BY flight_date, origin;


-- 3. The same day twice, then a day that must not be published ------------------

-- The same day with another idea of late: rows change, none is doubled.
-- expect: run_again
EXECUTE WORKFLOW flights.publish_day USING (day = DATE '2013-08-22', late_minutes = 30) WAIT;

-- expect: published_again
SELECT late, count(*) AS flights FROM ops.public.delay_predictions GROUP BY late ORDER BY late;

-- A day that has no flights yet is blocked before PostgreSQL hears of it.
-- expect: run_empty
EXECUTE WORKFLOW flights.publish_day USING (day = DATE '2013-12-24') WAIT;

-- expect: untouched
SELECT count(*) AS predictions, max(flight_date) AS last_day FROM ops.public.delay_predictions;

-- expect: why
EXPLAIN WHY flights.publish_day;

-- Two publications to PostgreSQL, each once, with what was sent.
-- expect: publications
SELECT target, mode, state, rows FROM aqueduct.publications
WHERE target = 'ops.public.delay_predictions'
ORDER BY seq;

-- Predictions against what happened, both in PostgreSQL.
-- expect: error
SELECT p.origin, count(*) AS flights, round(avg(abs(p.delay_min - f.arr_delay))::numeric, 1) AS error
FROM ops.public.delay_predictions p
JOIN ops.public.flights f ON f.id = p.id
WHERE f.arr_delay IS NOT NULL
GROUP BY p.origin
ORDER BY p.origin;

PAUSE WORKFLOW flights.publish_day;
