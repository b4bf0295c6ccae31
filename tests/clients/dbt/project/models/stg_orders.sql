{{ config(materialized='view') }}
select id as order_id, customer, date '2024-03-01' + (day - 1) as ordered_on, amount, coalesce(note, '-') as note
from {{ ref('arrived') }}
