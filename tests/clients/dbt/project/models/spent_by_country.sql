{{ config(materialized='materialized_view') }}
select country, sum(spent) as spent from {{ ref('customers') }} group by country
