{{ config(materialized='view') }}
select customer, spent from {{ ref('customers') }} where spent > 0
