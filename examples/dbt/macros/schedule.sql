{# dbt built it once; from now on the server scores each morning by itself. #}
{% macro schedule() %}
create or replace workflow {{ target.schema }}.score_day
  schedule cron '30 5 * * *' time zone 'America/New_York'
  timeout '10 min'
as (
  param day date not null default interval_end()::date,
  step features as (
    select * from {{ target.schema }}.flight_features where flight_date = param('day')
  ),
  check enough_flights on features row count > 500,
  check one_row_each on features (id) unique,
  step scored into {{ target.schema }}.daily_predictions mode upsert key (id) as (
    select id, flight_date, carrier, origin, dest, predict('delay', *) as delay_min from features
  ),
  check plausible on scored (delay_min) between -120 and 600 on violation block
)
{% endmacro %}
