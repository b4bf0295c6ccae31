{# The files as external tables, and the model that predict() calls. #}
{% macro sources() %}
{% if execute %}
  {% do run_query("create schema if not exists flight_files") %}
  {% for source in graph.sources.values() %}
    {% do run_query("create external table if not exists " ~ source.schema ~ "." ~ source.identifier
        ~ " stored as parquet location '" ~ var('flights') ~ "/data/" ~ source.identifier ~ ".parquet'") %}
  {% endfor %}
  {% do run_query("create model if not exists delay from '" ~ var('flights') ~ "/model/delay.txt' format lightgbm") %}
{% endif %}
{% endmacro %}
