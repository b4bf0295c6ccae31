{{ config(materialized='table', persist_docs={'relation': true, 'columns': true}) }}
select customer, orders from {{ ref('customers') }}
