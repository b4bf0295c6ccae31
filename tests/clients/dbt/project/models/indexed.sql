{{ config(materialized='table', indexes=[{'columns': ['customer'], 'unique': true}]) }}
select customer, orders from {{ ref('customers') }}
