{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='customer') }}
select customer, orders, spent from {{ ref('customers') }} where orders > 0
