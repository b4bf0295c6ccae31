{{ config(materialized='table') }}
-- Each flight with its aircraft and the weather at its scheduled hour: what the model wants, by name.
select f.id, f.flight_date, f.sched_dep, f.carrier, f.flight, f.origin, f.dest, f.distance, f.sched_hour,
       cast(extract(dow from f.flight_date) as int) as day_of_week, p.seats, p.built,
       w.temp, w.dewp, w.humid, w.wind_dir, w.wind_speed, w.wind_gust, w.precip, w.pressure, w.visib
from {{ ref('stg_flights') }} f
left join {{ ref('stg_weather') }} w on w.origin = f.origin and w.time_hour = date_trunc('hour', f.sched_dep)
left join {{ ref('stg_planes') }} p on p.tailnum = f.tailnum
