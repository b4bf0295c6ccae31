{{ config(materialized='table') }}
select id, flight_date, carrier, origin, dest, predict('delay', *) as delay_min
from {{ ref('flight_features') }}
where flight_date = date '{{ var("day") }}' and temp is not null
