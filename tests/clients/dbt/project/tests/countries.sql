-- A second build refreshes the materialized view.
select country, spent from {{ ref('spent_by_country') }}
except
select country, spent from {{ ref('customers') }}
