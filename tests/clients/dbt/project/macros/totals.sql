{% test totals(model, column, first, second) %}
-- `first` and `second`: [rows, sum] after each day.
{% set wanted = first if var('day') == 1 else second %}
select count(*) as found_rows, sum({{ column }}) as found_sum from {{ model }}
having count(*) <> {{ wanted[0] }} or sum({{ column }}) <> {{ wanted[1] }}
{% endtest %}
